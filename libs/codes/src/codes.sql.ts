import type { CodeSnapshot, CodeTarget, ListCodesQuery, Rule, Utm } from '@signet/contracts';
import type { CodeStateEntry } from '@signet/platform';
import type { EntityManager } from 'typeorm';
import { toSnapshot, type SnapshotFields, type StoredCode } from './code.js';

/** What the redirect's role may read, too. */
const SNAPSHOT_COLUMNS = `id, workspace_id, slug, slug_key, kind, state, version, target, active_from, expires_at, max_scans,
  claim_mode, scans_used, rules, forward_query, utm, off_url, password_hash, brand_id`;
export const COLUMNS = `${SNAPSHOT_COLUMNS}, title, notes, tags, folder, campaign, owner, created_at, updated_at, created_by,
  revoked_reason, reissued_from, reissued_as`;

interface SnapshotRow {
  id: string;
  workspace_id: string;
  slug: string | null;
  slug_key: string;
  kind: StoredCode['kind'];
  state: StoredCode['state'];
  version: number;
  target: CodeTarget;
  active_from: Date | null;
  expires_at: Date | null;
  max_scans: number | null;
  claim_mode: StoredCode['claimMode'];
  scans_used: number;
  rules: Rule[];
  forward_query: boolean;
  utm: Utm | null;
  off_url: string | null;
  password_hash: string | null;
  brand_id: string | null;
}
export interface CodeRow extends SnapshotRow {
  title: string | null;
  notes: string | null;
  tags: string[];
  folder: string | null;
  campaign: string | null;
  owner: string | null;
  created_at: Date;
  updated_at: Date;
  created_by: string;
  revoked_reason: string | null;
  reissued_from: string | null;
  reissued_as: string | null;
}

const toSnapshotFields = (row: SnapshotRow): SnapshotFields => ({
  id: row.id,
  workspaceId: row.workspace_id,
  slug: row.slug,
  kind: row.kind,
  state: row.state,
  version: row.version,
  target: row.target,
  activeFrom: row.active_from?.toISOString() ?? null,
  expiresAt: row.expires_at?.toISOString() ?? null,
  maxScans: row.max_scans,
  claimMode: row.claim_mode,
  rules: row.rules,
  forwardQuery: row.forward_query,
  utm: row.utm,
  offUrl: row.off_url,
  passwordHash: row.password_hash,
  brandId: row.brand_id,
});
export const toStoredCode = (row: CodeRow): StoredCode => ({
  ...toSnapshotFields(row),
  slugKey: row.slug_key,
  title: row.title,
  notes: row.notes,
  tags: row.tags,
  folder: row.folder,
  campaign: row.campaign,
  owner: row.owner,
  scansUsed: row.scans_used,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
  createdBy: row.created_by,
  revokedReason: row.revoked_reason,
  reissuedFrom: row.reissued_from,
  reissuedAs: row.reissued_as,
});

/**
 * Stores new codes in one statement.
 * @returns the ids of those that were stored; the slug of the others is somebody's, also of a transaction still open
 */
export async function insertCodes(manager: EntityManager, codes: readonly StoredCode[]): Promise<Set<string>> {
  const rows: { id: string }[] = await manager.query(
    `INSERT INTO codes.codes (id, workspace_id, slug, slug_key, kind, state, version, target, title, notes, tags, folder,
       campaign, owner, brand_id, active_from, expires_at, max_scans, claim_mode, rules, forward_query, utm, off_url,
       password_hash, scans_used, created_at, updated_at, created_by, reissued_from)
     SELECT id, "workspaceId", slug, "slugKey", kind, state, version, target, title, notes, tags, folder, campaign, owner,
       "brandId", "activeFrom", "expiresAt", "maxScans", "claimMode", rules, "forwardQuery", utm, "offUrl", "passwordHash",
       0, "createdAt", "createdAt", "createdBy", "reissuedFrom"
     FROM jsonb_to_recordset($1::jsonb) AS code (id uuid, "workspaceId" uuid, slug text, "slugKey" text, kind text,
       state text, version int, target jsonb, title text, notes text, tags text[], folder text, campaign text, owner text,
       "brandId" uuid, "activeFrom" timestamptz, "expiresAt" timestamptz, "maxScans" int, "claimMode" text, rules jsonb,
       "forwardQuery" boolean, utm jsonb, "offUrl" text, "passwordHash" text, "createdAt" timestamptz, "createdBy" text,
       "reissuedFrom" uuid)
     ON CONFLICT (slug_key) DO NOTHING RETURNING id`,
    [JSON.stringify(codes)],
  );
  return new Set(rows.map(({ id }) => id));
}

/** @returns whether it was stored; false when its slug is somebody's */
export const insertCode = async (manager: EntityManager, code: StoredCode): Promise<boolean> =>
  (await insertCodes(manager, [code])).has(code.id);

/** @returns those of the keys that are somebody's */
export async function findTakenKeys(manager: EntityManager, keys: readonly string[]): Promise<string[]> {
  const rows: { slug_key: string }[] = await manager.query(
    'SELECT slug_key FROM codes.codes WHERE slug_key = ANY($1)',
    [keys],
  );
  return rows.map((row) => row.slug_key);
}

export async function findCode(
  manager: EntityManager,
  workspaceId: string,
  id: string,
): Promise<StoredCode | undefined> {
  const [row]: CodeRow[] = await manager.query(
    `SELECT ${COLUMNS} FROM codes.codes WHERE workspace_id = $1 AND id = $2`,
    [workspaceId, id],
  );
  return row && toStoredCode(row);
}

/**
 * Waits until nobody else changes this code, and keeps others from it until the transaction ends. To be called before
 * the transaction writes or locks anything: the outbox publishes in the order of transaction ids, and PostgreSQL gives
 * one with the first write, or with a row lock that it is still waiting for. A change that had its id before its turn
 * could be published before the one that it waited for, and compaction would keep the older state.
 */
export async function awaitTurn(manager: EntityManager, id: string): Promise<void> {
  await manager.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [id]);
}

/** `awaitTurn` for many. @returns those that nobody is changing; the others are left out */
export async function takeTurns(manager: EntityManager, ids: readonly string[]): Promise<string[]> {
  const rows: { id: string }[] = await manager.query(
    'SELECT id FROM unnest($1::text[]) AS id WHERE pg_try_advisory_xact_lock(hashtextextended(id, 0))',
    [ids],
  );
  return rows.map(({ id }) => id);
}

/** The code as it is after every change and claim that is under way; nobody changes it until this transaction ends. */
export async function lockCode(
  manager: EntityManager,
  workspaceId: string,
  id: string,
): Promise<StoredCode | undefined> {
  const [row]: CodeRow[] = await manager.query(
    `SELECT ${COLUMNS} FROM codes.codes WHERE workspace_id = $1 AND id = $2 FOR NO KEY UPDATE`,
    [workspaceId, id],
  );
  return row && toStoredCode(row);
}

/**
 * Stores a locked code's next version; what claims write is left alone. An edit that reopens a code, by a later end or a
 * higher limit, makes its next ending one that has not been told.
 */
export async function updateCode(manager: EntityManager, code: StoredCode): Promise<void> {
  await manager.query(
    `UPDATE codes.codes SET state = $2, version = $3, target = $4, title = $5, notes = $6, tags = $7, folder = $8,
       campaign = $9, owner = $10, brand_id = $11, active_from = $12, expires_at = $13, max_scans = $14, claim_mode = $15,
       rules = $16, forward_query = $17, utm = $18, off_url = $19, password_hash = $20, updated_at = $21,
       revoked_reason = $22, reissued_as = $23,
       expired_told = expired_told AND COALESCE($13::timestamptz <= $21::timestamptz, false),
       exhausted_told = exhausted_told AND COALESCE(scans_used >= $14::int, false)
     WHERE id = $1`,
    [
      code.id,
      code.state,
      code.version,
      JSON.stringify(code.target),
      code.title,
      code.notes,
      code.tags,
      code.folder,
      code.campaign,
      code.owner,
      code.brandId,
      code.activeFrom,
      code.expiresAt,
      code.maxScans,
      code.claimMode,
      JSON.stringify(code.rules),
      code.forwardQuery,
      code.utm === null ? null : JSON.stringify(code.utm),
      code.offUrl,
      code.passwordHash,
      code.updatedAt,
      code.revokedReason,
      code.reissuedAs,
    ],
  );
}

export interface ListPosition {
  createdAt: string;
  id: string;
}

/** `statusOf` in SQL, so that a list can be filtered by it. @param at a placeholder */
const statusAt = (at: string): string => `CASE
  WHEN state <> 'active' THEN state
  WHEN expires_at <= ${at}::timestamptz THEN 'expired'
  WHEN scans_used >= max_scans THEN 'exhausted'
  WHEN active_from > ${at}::timestamptz THEN 'scheduled'
  ELSE 'active' END`;

/**
 * Codes after `after` in the order of the query; `q` is looked for in title, slug and target. Archived ones only when
 * they are asked for.
 */
export async function listCodes(
  manager: EntityManager,
  {
    workspaceId,
    query,
    after,
    at,
    limit,
  }: { workspaceId: string; query: ListCodesQuery; after?: ListPosition; at: Date; limit: number },
): Promise<StoredCode[]> {
  const [compare, order] = query.sort === 'createdAt' ? ['>', 'ASC'] : ['<', 'DESC'];
  const pattern = query.q === undefined ? null : `%${query.q.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
  const rows: CodeRow[] = await manager.query(
    `SELECT ${COLUMNS} FROM codes.codes
     WHERE workspace_id = $1
       AND ($2::timestamptz IS NULL OR (created_at, id) ${compare} ($2::timestamptz, $3::uuid))
       AND ($4::text IS NULL OR title ILIKE $4 OR slug ILIKE $4 OR target->>'url' ILIKE $4)
       AND ($5::text IS NULL OR tags @> ARRAY[$5::text])
       AND ($6::text IS NULL OR folder = $6)
       AND ($7::text IS NULL OR kind = $7)
       AND CASE WHEN $8::text IS NULL THEN state <> 'archived' ELSE $8 = ${statusAt('$9')} END
     ORDER BY created_at ${order}, id ${order} LIMIT $10`,
    [
      workspaceId,
      after?.createdAt ?? null,
      after?.id ?? null,
      pattern,
      query.tag ?? null,
      query.folder ?? null,
      query.kind ?? null,
      query.status ?? null,
      at,
      limit,
    ],
  );
  return rows.map(toStoredCode);
}

/** Notes in the transaction of a change that `CodeState` has to hear of it. */
export async function markUnpropagated(
  manager: EntityManager,
  { id, version }: Pick<StoredCode, 'id' | 'version'>,
  at: Date,
): Promise<void> {
  await manager.query(
    `INSERT INTO codes.unpropagated (code_id, version, since) VALUES ($1, $2, $3)
     ON CONFLICT (code_id) DO UPDATE SET version = excluded.version`,
    [id, version, at],
  );
}

export interface Propagable {
  key: string;
  snapshot: CodeSnapshot;
}

const toPropagable = (row: SnapshotRow): Propagable => ({
  key: row.slug_key,
  snapshot: toSnapshot(toSnapshotFields(row)),
});

/** A code as it is now, for `CodeState`. */
export async function findPropagable(manager: EntityManager, id: string): Promise<Propagable | undefined> {
  const [row]: SnapshotRow[] = await manager.query(`SELECT ${SNAPSHOT_COLUMNS} FROM codes.codes WHERE id = $1`, [id]);
  return row && toPropagable(row);
}

/** Codes as they are now of which `CodeState` has not confirmed the newest change, the longest waiting first. */
export async function readUnpropagated(manager: EntityManager, limit: number): Promise<Propagable[]> {
  const rows: SnapshotRow[] = await manager.query(
    `SELECT ${SNAPSHOT_COLUMNS} FROM codes.codes
     JOIN (SELECT code_id, since FROM codes.unpropagated ORDER BY since LIMIT $1) u ON u.code_id = id ORDER BY u.since`,
    [limit],
  );
  return rows.map(toPropagable);
}

/** Forgets what is confirmed, unless the code has changed again: its newer version stays noted. */
export async function removePropagated(manager: EntityManager, snapshots: readonly CodeSnapshot[]): Promise<void> {
  await manager.query(
    `DELETE FROM codes.unpropagated u USING unnest($1::uuid[], $2::int[]) AS done (code_id, version)
     WHERE u.code_id = done.code_id AND u.version <= done.version`,
    [snapshots.map(({ id }) => id), snapshots.map(({ version }) => version)],
  );
}

/** @returns how many codes wait for `CodeState` */
export async function countUnpropagated(manager: EntityManager): Promise<number> {
  const [row]: { count: number }[] = await manager.query('SELECT count(*)::int AS count FROM codes.unpropagated');
  return row?.count ?? 0;
}

/** The truth for a redirect that `CodeState` has no answer for. @param key of `codeKey` */
export async function findEntryByKey(manager: EntityManager, key: string): Promise<CodeStateEntry | undefined> {
  const [row]: SnapshotRow[] = await manager.query(`SELECT ${SNAPSHOT_COLUMNS} FROM codes.codes WHERE slug_key = $1`, [
    key,
  ]);
  return row && { snapshot: toSnapshot(toSnapshotFields(row)), used: row.scans_used };
}

/** Whether a workspace may ask about a code; the only thing of a code that analytics may read. */
export async function codeBelongsTo(manager: EntityManager, workspaceId: string, codeId: string): Promise<boolean> {
  const rows: unknown[] = await manager.query('SELECT id FROM codes.codes WHERE id = $1 AND workspace_id = $2', [
    codeId,
    workspaceId,
  ]);
  return rows.length > 0;
}
