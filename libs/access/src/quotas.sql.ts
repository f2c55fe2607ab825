import type { EntityManager } from 'typeorm';

/** Codes can be issued at once in one workspace, without waiting for one another, as often as it has shards. */
export const SHARDS = 32;
/** What each shard of a workspace without a limit is allotted. */
const PLENTY = 1_000_000_000_000;

export interface StoredQuotas {
  codes: number | null;
  writesPerMinute: number | null;
  bulkRows: number | null;
  fileBytes: number | null;
}

interface QuotasRow {
  quota_codes: string | null;
  quota_writes_per_minute: number | null;
  quota_bulk_rows: number | null;
  quota_file_bytes: string | null;
}

/** @returns undefined for a workspace that is none */
export async function readQuotas(manager: EntityManager, workspaceId: string): Promise<StoredQuotas | undefined> {
  const [row]: QuotasRow[] = await manager.query(
    `SELECT quota_codes, quota_writes_per_minute, quota_bulk_rows, quota_file_bytes FROM access.workspaces
     WHERE id = $1`,
    [workspaceId],
  );
  return (
    row && {
      codes: row.quota_codes === null ? null : Number(row.quota_codes),
      writesPerMinute: row.quota_writes_per_minute,
      bulkRows: row.quota_bulk_rows,
      fileBytes: row.quota_file_bytes === null ? null : Number(row.quota_file_bytes),
    }
  );
}

/** @returns whether there is such a workspace */
export async function writeQuotas(
  manager: EntityManager,
  workspaceId: string,
  { codes, writesPerMinute, bulkRows, fileBytes }: StoredQuotas,
): Promise<boolean> {
  const [, count]: [unknown, number] = await manager.query(
    `UPDATE access.workspaces SET quota_codes = $2, quota_writes_per_minute = $3, quota_bulk_rows = $4,
       quota_file_bytes = $5
     WHERE id = $1`,
    [workspaceId, codes, writesPerMinute, bulkRows, fileBytes],
  );
  return count === 1;
}

/** The workspace that the installation began with. */
export async function isFirstWorkspace(manager: EntityManager, workspaceId: string): Promise<boolean> {
  const [first]: { id: string }[] = await manager.query(
    'SELECT id FROM access.workspaces ORDER BY created_at, id LIMIT 1',
  );
  return first?.id === workspaceId;
}

export async function countUsedCodes(manager: EntityManager, workspaceId: string): Promise<number> {
  const [row]: { used: string }[] = await manager.query(
    'SELECT COALESCE(sum(used), 0) AS used FROM access.code_usage WHERE workspace_id = $1',
    [workspaceId],
  );
  return Number(row?.used ?? 0);
}

/** Which shard is looked at first: another one for each caller, so that they do not meet. */
const anyShard = (): number => Math.floor(Math.random() * SHARDS);

const QUOTA = 'COALESCE((SELECT quota_codes FROM access.workspaces WHERE id = $1), $2::bigint)';

export interface Taking {
  workspaceId: string;
  count: number;
  /** The quota of a workspace that has none of its own; 0: no limit. */
  fallback: number;
}

/**
 * Takes from a shard that has enough left and that nobody holds.
 * @returns whether there was one; if not, nothing is held, so that the caller may wait
 */
export async function takeFromShard(
  manager: EntityManager,
  { workspaceId, count, fallback }: Taking,
): Promise<boolean> {
  // A row that had enough left when the statement began, and has not any more, stays locked until this is rolled back.
  await manager.query('SAVEPOINT shard');
  const [, taken]: [unknown, number] = await manager.query(
    `WITH picked AS MATERIALIZED (
       SELECT shard FROM access.code_usage
       WHERE workspace_id = $1 AND quota = ${QUOTA} AND used + $3 <= allotted
       ORDER BY (shard + $4) % ${SHARDS} LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
     )
     UPDATE access.code_usage SET used = used + $3 WHERE workspace_id = $1 AND shard IN (SELECT shard FROM picked)`,
    [workspaceId, fallback, count, anyShard()],
  );
  if (taken === 0) await manager.query('ROLLBACK TO SAVEPOINT shard');
  await manager.query('RELEASE SAVEPOINT shard');
  return taken > 0;
}

/**
 * Holds all shards of a workspace until the transaction ends: whoever took from one has committed by then, or has not
 * taken.
 */
export async function lockShards(
  manager: EntityManager,
  { workspaceId, fallback }: Taking,
): Promise<{ used: number; quota: number }> {
  await manager.query(`SELECT pg_advisory_xact_lock(hashtextextended('quota ' || $1, 0))`, [workspaceId]);
  await manager.query(
    `INSERT INTO access.code_usage (workspace_id, shard, quota, used, allotted)
     SELECT $1, shard, -1, 0, 0 FROM generate_series(0, ${SHARDS - 1}) AS shard ON CONFLICT DO NOTHING`,
    [workspaceId],
  );
  const rows: { used: string }[] = await manager.query(
    'SELECT used FROM access.code_usage WHERE workspace_id = $1 ORDER BY shard FOR NO KEY UPDATE',
    [workspaceId],
  );
  const [row]: { quota: string }[] = await manager.query(`SELECT ${QUOTA} AS quota`, [workspaceId, fallback]);
  return { used: rows.reduce((sum, { used }) => sum + Number(used), 0), quota: Number(row?.quota ?? 0) };
}

/** Takes from one shard and deals out what is left to all of them. The shards are locked. */
export async function takeAndDeal(
  manager: EntityManager,
  { workspaceId, count }: Taking,
  { quota, left }: { quota: number; left: number },
): Promise<void> {
  const share = quota === 0 ? PLENTY : Math.floor(left / SHARDS);
  const rest = quota === 0 ? 0 : left % SHARDS;
  await manager.query(
    `UPDATE access.code_usage AS u SET quota = $2, used = u.used + taken, allotted = u.used + taken + $3::bigint + spare
     FROM (SELECT shard, CASE WHEN shard = $5 THEN $6::bigint ELSE 0 END AS taken,
                  CASE WHEN shard < $4::int THEN 1 ELSE 0 END AS spare
           FROM generate_series(0, ${SHARDS - 1}) AS shard) AS dealt
     WHERE u.workspace_id = $1 AND u.shard = dealt.shard`,
    [workspaceId, quota, share, rest, anyShard(), count],
  );
}

/** Gives back to any shard; its count may go below zero, as only the sum means something. */
export async function giveBack(
  manager: EntityManager,
  { workspaceId, count }: { workspaceId: string; count: number },
): Promise<void> {
  for (const lock of ['FOR NO KEY UPDATE SKIP LOCKED', 'FOR NO KEY UPDATE']) {
    const [, given]: [unknown, number] = await manager.query(
      `WITH picked AS MATERIALIZED (
         SELECT shard FROM access.code_usage WHERE workspace_id = $1 ORDER BY (shard + $3) % ${SHARDS} LIMIT 1 ${lock}
       )
       UPDATE access.code_usage SET used = used - $2 WHERE workspace_id = $1 AND shard IN (SELECT shard FROM picked)`,
      [workspaceId, count, anyShard()],
    );
    if (given > 0) return;
  }
}
