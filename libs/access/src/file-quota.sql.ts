import type { EntityManager } from 'typeorm';

/** What the files of a workspace have in bytes. */
export async function readFileBytes(manager: EntityManager, workspaceId: string): Promise<number> {
  const [row]: { bytes: string }[] = await manager.query(
    'SELECT bytes FROM access.file_usage WHERE workspace_id = $1',
    [workspaceId],
  );
  return Number(row?.bytes ?? 0);
}

/**
 * Adds to them, or takes away, unless they would be more than the quota then. Those of one workspace take turns until
 * the transaction ends.
 * @param fallback the quota of a workspace that has none of its own; 0: no limit
 * @returns whether there was room
 */
export async function addFileBytes(
  manager: EntityManager,
  { workspaceId, bytes, fallback }: { workspaceId: string; bytes: number; fallback: number },
): Promise<boolean> {
  await manager.query('INSERT INTO access.file_usage (workspace_id, bytes) VALUES ($1, 0) ON CONFLICT DO NOTHING', [
    workspaceId,
  ]);
  const [, added]: [unknown, number] = await manager.query(
    `UPDATE access.file_usage SET bytes = file_usage.bytes + $2::bigint
     FROM (SELECT COALESCE((SELECT quota_file_bytes FROM access.workspaces WHERE id = $1), $3::bigint) AS bytes) AS quota
     WHERE workspace_id = $1 AND ($2::bigint <= 0 OR quota.bytes = 0 OR file_usage.bytes + $2::bigint <= quota.bytes)`,
    [workspaceId, bytes, fallback],
  );
  return added === 1;
}
