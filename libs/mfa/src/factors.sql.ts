import type { EntityManager } from 'typeorm';
import type { FactorType, StoredFactor } from './factor.js';

const COLUMNS = `id, workspace_id AS "workspaceId", subject_id AS "subjectId", type, status, name, app, secret, parameters,
  last_step AS "lastStep", failures, created_at AS "createdAt", confirmed_at AS "confirmedAt",
  last_used_at AS "lastUsedAt", last_used_ip AS "lastUsedIp", last_used_country AS "lastUsedCountry"`;

type FactorRow = Omit<StoredFactor, 'lastStep'> & { lastStep: string };
const toStoredFactor = (row: FactorRow): StoredFactor => ({ ...row, lastStep: Number(row.lastStep) });

export async function insertFactor(
  manager: EntityManager,
  factor: Pick<
    StoredFactor,
    'id' | 'workspaceId' | 'subjectId' | 'type' | 'secret' | 'parameters' | 'lastStep' | 'createdAt' | 'confirmedAt'
  > & { status: 'pending' | 'active' },
): Promise<void> {
  await manager.query(
    `INSERT INTO mfa.factors
       (id, workspace_id, subject_id, type, status, secret, parameters, last_step, created_at, confirmed_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      factor.id,
      factor.workspaceId,
      factor.subjectId,
      factor.type,
      factor.status,
      factor.secret,
      JSON.stringify(factor.parameters),
      factor.lastStep,
      factor.createdAt,
      factor.confirmedAt,
    ],
  );
}

export async function findFactor(manager: EntityManager, id: string): Promise<StoredFactor | undefined> {
  const [row]: FactorRow[] = await manager.query(`SELECT ${COLUMNS} FROM mfa.factors WHERE id = $1`, [id]);
  return row && toStoredFactor(row);
}

/** All factors of a subject, of one kind or of every, oldest first. */
export async function readFactors(
  manager: EntityManager,
  subjectId: string,
  type?: FactorType,
): Promise<StoredFactor[]> {
  const rows: FactorRow[] = await manager.query(
    `SELECT ${COLUMNS} FROM mfa.factors WHERE subject_id = $1 AND ($2::text IS NULL OR type = $2) ORDER BY id`,
    [subjectId, type ?? null],
  );
  return rows.map(toStoredFactor);
}

/** The factors of one kind of each of many subjects, oldest first. */
export async function readFactorsOfKinds(
  manager: EntityManager,
  wanted: readonly { subjectId: string; type: FactorType }[],
): Promise<StoredFactor[]> {
  const rows: FactorRow[] = await manager.query(
    `SELECT ${COLUMNS} FROM mfa.factors
     WHERE (subject_id, type) IN (SELECT * FROM unnest($1::uuid[], $2::text[])) ORDER BY id`,
    [wanted.map(({ subjectId }) => subjectId), wanted.map(({ type }) => type)],
  );
  return rows.map(toStoredFactor);
}

/** Makes a pending TOTP factor an active one; the step that confirmed it counts as used. */
export async function activateFactor(
  manager: EntityManager,
  id: string,
  { step, app, at }: { step: number; app: string | undefined; at: Date },
): Promise<void> {
  await manager.query(
    `UPDATE mfa.factors SET status = 'active', last_step = $2, app = $3, confirmed_at = $4
     WHERE id = $1 AND status = 'pending'`,
    [id, step, app ?? null, at],
  );
}

/**
 * Ends a factor for good and forgets its secret.
 * @returns whether it was not ended before
 */
export async function endFactor(manager: EntityManager, id: string, reason: string, at: Date): Promise<boolean> {
  const [, count]: [unknown, number] = await manager.query(
    `UPDATE mfa.factors SET status = 'revoked', secret = NULL, revoked_at = $3, revoked_reason = $2
     WHERE id = $1 AND status <> 'revoked'`,
    [id, reason, at],
  );
  return count === 1;
}

export interface FactorUse {
  factorId: string;
  at: Date;
  /** Truncated. */
  ip: string | undefined;
  country: string | undefined;
}

/**
 * Uses steps up, and notes where and when the factors were used; their failures are forgotten.
 * @returns the factors whose step this call used up; of any number of calls with one step of a factor, one does
 */
export async function burnSteps(
  manager: EntityManager,
  uses: readonly (FactorUse & { step: number })[],
): Promise<Set<string>> {
  if (uses.length === 0) return new Set();
  const [rows]: [{ id: string }[], number] = await manager.query(
    `UPDATE mfa.factors f SET last_step = used.step, failures = 0, last_used_at = used.at, last_used_ip = used.ip,
       last_used_country = used.country
     FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[]) AS used (id, step, at, ip, country)
     WHERE f.id = used.id AND f.last_step < used.step AND f.status = 'active' RETURNING f.id`,
    [
      uses.map(({ factorId }) => factorId),
      uses.map(({ step }) => step),
      uses.map(({ at }) => at),
      uses.map(({ ip }) => ip ?? null),
      uses.map(({ country }) => country ?? null),
    ],
  );
  return new Set(rows.map(({ id }) => id));
}

/** Where and when a factor without steps was used; its failures are forgotten. */
export async function noteFactorUse(manager: EntityManager, { factorId, at, ip, country }: FactorUse): Promise<void> {
  await manager.query(
    `UPDATE mfa.factors SET failures = 0, last_used_at = $2, last_used_ip = $3, last_used_country = $4 WHERE id = $1`,
    [factorId, at, ip ?? null, country ?? null],
  );
}

/** @returns the ids of those that this failure, the `lockAt`th in a row or a later one, locked */
export async function countFactorFailures(
  manager: EntityManager,
  ids: readonly string[],
  lockAt: number,
): Promise<string[]> {
  if (ids.length === 0) return [];
  const [rows]: [{ id: string; status: StoredFactor['status'] }[], number] = await manager.query(
    `UPDATE mfa.factors SET failures = failures + 1, status = CASE WHEN failures + 1 >= $2 THEN 'locked' ELSE status END
     WHERE id = ANY($1) AND status = 'active' RETURNING id, status`,
    [ids, lockAt],
  );
  return rows.filter(({ status }) => status === 'locked').map(({ id }) => id);
}

/** @returns whether this call is the first that tells of a second use of the newest step */
export async function noteReplay(manager: EntityManager, id: string): Promise<boolean> {
  const [, count]: [unknown, number] = await manager.query(
    'UPDATE mfa.factors SET noticed_step = last_step WHERE id = $1 AND noticed_step < last_step',
    [id],
  );
  return count === 1;
}

export async function renameFactor(manager: EntityManager, id: string, name: string | null): Promise<void> {
  await manager.query('UPDATE mfa.factors SET name = $2 WHERE id = $1', [id, name]);
}

/** @returns how many factors of a subject were locked and are active again; the failures of all are forgotten */
export async function unlockFactors(manager: EntityManager, subjectId: string): Promise<number> {
  const [rows]: [{ locked: boolean }[], number] = await manager.query(
    `UPDATE mfa.factors f SET status = CASE f.status WHEN 'locked' THEN 'active' ELSE f.status END, failures = 0
     FROM (SELECT id, status = 'locked' AS locked FROM mfa.factors WHERE subject_id = $1) before
     WHERE f.id = before.id AND (before.locked OR f.failures > 0) RETURNING before.locked`,
    [subjectId],
  );
  return rows.filter(({ locked }) => locked).length;
}
