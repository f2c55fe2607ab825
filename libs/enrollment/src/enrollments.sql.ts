import type { EntityManager } from 'typeorm';
import type { StoredEnrollment } from './enrollment.js';

const COLUMNS = `id, workspace_id AS "workspaceId", subject_id AS "subjectId", subject, factor_type AS factor, delivery,
  status, purpose, code_id AS "codeId", factor_id AS "factorId", claim_token_hash AS "claimTokenHash", pin_key_id AS "pinKeyId",
  pin_hash AS "pinHash",
  pin_failures AS "pinFailures", claimant_hash AS "claimantHash", failures,
  created_at AS "createdAt", expires_at AS "expiresAt", claimed_at AS "claimedAt", shown_at AS "shownAt",
  ended_at AS "endedAt", acknowledged_at AS "acknowledgedAt", remind_at AS "remindAt"`;

type EnrollmentRow = Omit<StoredEnrollment, 'pin'> & { pinKeyId: string | null; pinHash: Buffer | null };
const toStored = ({ pinKeyId, pinHash, ...row }: EnrollmentRow): StoredEnrollment => ({
  ...row,
  pin: pinKeyId === null || pinHash === null ? null : { keyId: pinKeyId, hash: pinHash },
});
const UNFINISHED = `status IN ('created', 'opened', 'claimed')`;

export async function insertEnrollment(manager: EntityManager, enrollment: StoredEnrollment): Promise<void> {
  await manager.query(
    `INSERT INTO enrollment.enrollments (id, workspace_id, subject_id, subject, factor_type, delivery, status, purpose,
       code_id, factor_id, claim_token_hash, failures, created_at, expires_at, claimed_at, shown_at, remind_at, pin_key_id,
       pin_hash)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
    [
      enrollment.id,
      enrollment.workspaceId,
      enrollment.subjectId,
      enrollment.subject,
      enrollment.factor,
      enrollment.delivery,
      enrollment.status,
      enrollment.purpose,
      enrollment.codeId,
      enrollment.factorId,
      enrollment.claimTokenHash,
      enrollment.failures,
      enrollment.createdAt,
      enrollment.expiresAt,
      enrollment.claimedAt,
      enrollment.shownAt,
      enrollment.remindAt,
      enrollment.pin?.keyId ?? null,
      enrollment.pin?.hash ?? null,
    ],
  );
}

export async function findEnrollment(manager: EntityManager, id: string): Promise<StoredEnrollment | undefined> {
  const [found]: EnrollmentRow[] = await manager.query(`SELECT ${COLUMNS} FROM enrollment.enrollments WHERE id = $1`, [
    id,
  ]);
  return found && toStored(found);
}

export async function findEnrollmentOfCode(
  manager: EntityManager,
  codeId: string,
): Promise<StoredEnrollment | undefined> {
  const [found]: EnrollmentRow[] = await manager.query(
    `SELECT ${COLUMNS} FROM enrollment.enrollments WHERE code_id = $1`,
    [codeId],
  );
  return found && toStored(found);
}

/** Those of a subject that are not at an end, oldest first. */
export async function readOpenEnrollments(manager: EntityManager, subjectId: string): Promise<StoredEnrollment[]> {
  const rows: EnrollmentRow[] = await manager.query(
    `SELECT ${COLUMNS} FROM enrollment.enrollments WHERE subject_id = $1 AND ${UNFINISHED} ORDER BY id`,
    [subjectId],
  );
  return rows.map(toStored);
}

/** All of a subject, oldest first: a person is enrolled some few times. */
export async function readEnrollmentsOf(manager: EntityManager, subjectId: string): Promise<StoredEnrollment[]> {
  const rows: EnrollmentRow[] = await manager.query(
    `SELECT ${COLUMNS} FROM enrollment.enrollments WHERE subject_id = $1 ORDER BY id`,
    [subjectId],
  );
  return rows.map(toStored);
}

/** @returns what is gone */
export async function deleteEnrollmentsOf(
  manager: EntityManager,
  subjectId: string,
): Promise<{ codeId: string | null }[]> {
  const [rows]: [{ codeId: string | null }[], number] = await manager.query(
    'DELETE FROM enrollment.enrollments WHERE subject_id = $1 RETURNING code_id AS "codeId"',
    [subjectId],
  );
  return rows;
}

/** Newest first. @param beforeId of the last one on the page before */
export async function listEnrollments(
  manager: EntityManager,
  { workspaceId, subject, status, at, beforeId, limit }: EnrollmentQuery,
): Promise<StoredEnrollment[]> {
  const rows: EnrollmentRow[] = await manager.query(
    // One whose time is over is listed as expired, whether or not that has been written down yet.
    `SELECT ${COLUMNS} FROM enrollment.enrollments
     WHERE workspace_id = $1 AND ($2::text IS NULL OR subject = $2) AND ($5::uuid IS NULL OR id < $5)
       AND ($3::text IS NULL OR $3 = CASE WHEN ${UNFINISHED} AND expires_at <= $4 THEN 'expired' ELSE status END)
     ORDER BY id DESC LIMIT $6`,
    [workspaceId, subject ?? null, status ?? null, at, beforeId ?? null, limit],
  );
  return rows.map(toStored);
}

interface EnrollmentQuery {
  workspaceId: string;
  subject: string | undefined;
  status: StoredEnrollment['status'] | undefined;
  at: Date;
  beforeId: string | undefined;
  limit: number;
}

/** Somebody has looked at the link. @returns whether this call was the first to say so */
export async function markOpened(manager: EntityManager, id: string): Promise<boolean> {
  const [, count]: [unknown, number] = await manager.query(
    `UPDATE enrollment.enrollments SET status = 'opened' WHERE id = $1 AND status = 'created'`,
    [id],
  );
  return count === 1;
}

/** @param claim `shownAt` null: the secret is still to be shown */
export async function storeClaim(
  manager: EntityManager,
  id: string,
  claim: Pick<StoredEnrollment, 'factorId' | 'claimTokenHash' | 'claimantHash' | 'claimedAt' | 'shownAt' | 'expiresAt'>,
): Promise<void> {
  await manager.query(
    `UPDATE enrollment.enrollments SET status = 'claimed', factor_id = $2, claim_token_hash = $3, claimed_at = $4,
       shown_at = $5, expires_at = $6, claimant_hash = $7, remind_at = NULL WHERE id = $1`,
    [id, claim.factorId, claim.claimTokenHash, claim.claimedAt, claim.shownAt, claim.expiresAt, claim.claimantHash],
  );
}

/** @returns whether this call is the one that may show the secret */
export async function markShown(manager: EntityManager, id: string, at: Date): Promise<boolean> {
  const [, count]: [unknown, number] = await manager.query(
    `UPDATE enrollment.enrollments SET shown_at = $2 WHERE id = $1 AND status = 'claimed' AND shown_at IS NULL`,
    [id, at],
  );
  return count === 1;
}

/** Puts another secret in the place of one that was shown; what was failed stays counted. */
export async function replaceSecret(manager: EntityManager, id: string, factorId: string): Promise<void> {
  await manager.query('UPDATE enrollment.enrollments SET factor_id = $2, shown_at = NULL WHERE id = $1', [
    id,
    factorId,
  ]);
}

/** @returns whether this call was the first to say so */
export async function markAcknowledged(manager: EntityManager, id: string, at: Date): Promise<boolean> {
  const [, count]: [unknown, number] = await manager.query(
    `UPDATE enrollment.enrollments SET acknowledged_at = $2
     WHERE id = $1 AND status = 'active' AND acknowledged_at IS NULL`,
    [id, at],
  );
  return count === 1;
}

export async function endEnrollment(
  manager: EntityManager,
  id: string,
  status: 'active' | 'failed' | 'expired' | 'superseded' | 'revoked',
  at: Date,
): Promise<void> {
  await manager.query('UPDATE enrollment.enrollments SET status = $2, ended_at = $3, remind_at = NULL WHERE id = $1', [
    id,
    status,
    at,
  ]);
}

/** @returns the wrong codes so far, this one included */
export async function countWrongCode(manager: EntityManager, id: string): Promise<number> {
  const [rows]: [{ failures: number }[], number] = await manager.query(
    'UPDATE enrollment.enrollments SET failures = failures + 1 WHERE id = $1 RETURNING failures',
    [id],
  );
  const [row] = rows;
  if (!row) throw new Error('an enrollment that is locked was not found');
  return row.failures;
}

/** @returns the wrong PINs so far, this one included */
export async function countWrongPin(manager: EntityManager, id: string): Promise<number> {
  const [rows]: [{ failures: number }[], number] = await manager.query(
    `UPDATE enrollment.enrollments SET pin_failures = pin_failures + 1 WHERE id = $1
     RETURNING pin_failures AS failures`,
    [id],
  );
  const [row] = rows;
  if (!row) throw new Error('an enrollment that is locked was not found');
  return row.failures;
}

/** Unfinished ones whose time is over, the longest first. */
export async function findOverdue(manager: EntityManager, at: Date, limit: number): Promise<StoredEnrollment[]> {
  const rows: EnrollmentRow[] = await manager.query(
    `SELECT ${COLUMNS} FROM enrollment.enrollments WHERE ${UNFINISHED} AND expires_at <= $1
     ORDER BY expires_at LIMIT $2`,
    [at, limit],
  );
  return rows.map(toStored);
}

/** @returns links to be reminded of, which no other call takes again */
export async function takeDueReminders(manager: EntityManager, at: Date, limit: number): Promise<StoredEnrollment[]> {
  const [rows]: [EnrollmentRow[], number] = await manager.query(
    `WITH due AS MATERIALIZED (
       SELECT id AS due_id FROM enrollment.enrollments WHERE remind_at <= $1 AND status IN ('created', 'opened')
       ORDER BY remind_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
     )
     UPDATE enrollment.enrollments SET remind_at = NULL FROM due WHERE id = due_id RETURNING ${COLUMNS}`,
    [at, limit],
  );
  return rows.map(toStored);
}
