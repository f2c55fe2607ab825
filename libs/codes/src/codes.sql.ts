import type { CodeSnapshot, CodeTarget, Rule, TargetHealth, Utm } from '@signet/contracts';
import type { CodeStateEntry } from '@signet/platform';
import type { EntityManager } from 'typeorm';
import { toSnapshot, type SnapshotFields, type StoredCode } from './code.js';

/** What the redirect's role may read, too. */
const SNAPSHOT_COLUMNS = `id, workspace_id, slug, slug_key, kind, state, version, target, active_from, expires_at, max_scans,
  claim_mode, scans_used, rules, forward_query, utm, off_url, password_hash, brand_id`;
export const COLUMNS = `${SNAPSHOT_COLUMNS}, domain_id, domain, title, notes, tags, folder, campaign, owner, imported_scans,
  created_at, updated_at, created_by, revoked_reason, reissued_from, reissued_as, target_health`;

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
  domain_id: string | null;
  domain: string | null;
  title: string | null;
  notes: string | null;
  tags: string[];
  folder: string | null;
  campaign: string | null;
  owner: string | null;
  target_health: TargetHealth | null;
  imported_scans: string;
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
  domainId: row.domain_id,
  domain: row.domain,
  title: row.title,
  notes: row.notes,
  tags: row.tags,
  folder: row.folder,
  campaign: row.campaign,
  owner: row.owner,
  targetHealth: row.target_health,
  scansUsed: row.scans_used,
  importedScans: Number(row.imported_scans),
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
       password_hash, scans_used, created_at, updated_at, created_by, reissued_from, domain_id,
       domain, imported_scans)
     SELECT id, "workspaceId", slug, "slugKey", kind, state, version, target, title, notes, tags, folder, campaign, owner,
       "brandId", "activeFrom", "expiresAt", "maxScans", "claimMode", rules, "forwardQuery", utm, "offUrl", "passwordHash",
       0, "createdAt", "createdAt", "createdBy", "reissuedFrom", "domainId", domain, "importedScans"
     FROM jsonb_to_recordset($1::jsonb) AS code (id uuid, "workspaceId" uuid, slug text, "slugKey" text, kind text,
       state text, version int, target jsonb, title text, notes text, tags text[], folder text, campaign text, owner text,
       "brandId" uuid, "activeFrom" timestamptz, "expiresAt" timestamptz, "maxScans" int, "claimMode" text, rules jsonb,
       "forwardQuery" boolean, utm jsonb, "offUrl" text, "passwordHash" text, "createdAt" timestamptz, "createdBy" text,
       "reissuedFrom" uuid, "domainId" uuid, domain text, "importedScans" bigint)
     ON CONFLICT DO NOTHING RETURNING id`,
    [JSON.stringify(codes)],
  );
  return new Set(rows.map(({ id }) => id));
}

/** @returns whether it was stored; false when its slug is somebody's */
export const insertCode = async (manager: EntityManager, code: StoredCode): Promise<boolean> =>
  (await insertCodes(manager, [code])).has(code.id);

/**
 * @param host of the domain whose keys they are; undefined: they are the installation's own
 * @returns those of the keys that are somebody's, or were while the host was another domain
 */
export async function findTakenKeys(
  manager: EntityManager,
  keys: readonly string[],
  host: string | undefined,
): Promise<string[]> {
  const rows: { key: string }[] = await manager.query(
    `SELECT key FROM unnest($1::text[]) AS key
     WHERE EXISTS (SELECT FROM codes.codes WHERE slug_key = key)
       OR EXISTS (SELECT FROM codes.codes WHERE domain = $2 AND substr(slug_key, 38) = substr(key, 38))`,
    [keys, host ?? null],
  );
  return rows.map(({ key }) => key);
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
 * Stores the next versions of locked codes in one statement; what claims write is left alone. An edit that reopens a code,
 * by a later end or a higher limit, makes its next ending one that has not been told.
 */
export async function updateCodes(manager: EntityManager, codes: readonly StoredCode[]): Promise<void> {
  await manager.query(
    `UPDATE codes.codes AS old SET state = code.state, version = code.version, target = code.target, title = code.title,
       notes = code.notes, tags = code.tags, folder = code.folder, campaign = code.campaign, owner = code.owner,
       brand_id = code."brandId", active_from = code."activeFrom", expires_at = code."expiresAt",
       max_scans = code."maxScans", claim_mode = code."claimMode", rules = code.rules,
       forward_query = code."forwardQuery", utm = code.utm, off_url = code."offUrl",
       password_hash = code."passwordHash", updated_at = code."updatedAt", revoked_reason = code."revokedReason",
       reissued_as = code."reissuedAs", target_health = code."targetHealth",
       check_at = CASE WHEN code."targetHealth" IS NOT NULL THEN old.check_at ELSE '-infinity' END,
       expired_told = expired_told AND COALESCE(code."expiresAt" <= code."updatedAt", false),
       exhausted_told = exhausted_told AND COALESCE(scans_used >= code."maxScans", false)
     FROM jsonb_to_recordset($1::jsonb) AS code (id uuid, state text, version int, target jsonb, title text, notes text,
       tags text[], folder text, campaign text, owner text, "brandId" uuid, "activeFrom" timestamptz,
       "expiresAt" timestamptz, "maxScans" int, "claimMode" text, rules jsonb, "forwardQuery" boolean, utm jsonb,
       "offUrl" text, "passwordHash" text, "updatedAt" timestamptz, "revokedReason" text, "reissuedAs" uuid,
       "targetHealth" jsonb)
     WHERE old.id = code.id`,
    [JSON.stringify(codes)],
  );
}

/** Notes in the transaction of changes, at most one a code, that `CodeState` has to hear of them. */
export async function markUnpropagated(
  manager: EntityManager,
  codes: readonly Pick<StoredCode, 'id' | 'version' | 'updatedAt'>[],
): Promise<void> {
  await manager.query(
    `INSERT INTO codes.unpropagated (code_id, version, since)
     SELECT id, version, "updatedAt" FROM jsonb_to_recordset($1::jsonb) AS code (id uuid, version int, "updatedAt" timestamptz)
     ON CONFLICT (code_id) DO UPDATE SET version = excluded.version`,
    [JSON.stringify(codes.map(({ id, version, updatedAt }) => ({ id, version, updatedAt })))],
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

/** Codes as they are now, for `CodeState`. */
export async function findPropagables(manager: EntityManager, ids: readonly string[]): Promise<Propagable[]> {
  const rows: SnapshotRow[] = await manager.query(`SELECT ${SNAPSHOT_COLUMNS} FROM codes.codes WHERE id = ANY($1)`, [
    ids,
  ]);
  return rows.map(toPropagable);
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
