import type { AuditCheckpoint } from '@signet/contracts';
import type { EntityManager } from 'typeorm';
import { CHECKPOINT_COLUMNS, toCheckpoint, type CheckpointRow } from './checkpoints.sql.js';

/** Up to which entry a workspace's log was cut; 0: it begins with its first. */
export async function readCut(manager: EntityManager, workspaceId: string): Promise<number> {
  const [row]: { seq: string }[] = await manager.query(
    'SELECT cut_seq AS seq FROM audit.heads WHERE workspace_id = $1',
    [workspaceId],
  );
  return Number(row?.seq ?? 0);
}

/**
 * Of each log whose first entry is of before `oldest`, the newest checkpoint of before `before`, unless all that is older
 * are cuts.
 */
export async function findDueCuts(
  manager: EntityManager,
  { before, oldest }: { before: Date; oldest: Date },
  limit: number,
): Promise<AuditCheckpoint[]> {
  const rows: CheckpointRow[] = await manager.query(
    `SELECT c.* FROM audit.heads h
     CROSS JOIN LATERAL (SELECT ${CHECKPOINT_COLUMNS} FROM audit.checkpoints
       WHERE workspace_id = h.workspace_id AND at < $1 ORDER BY seq DESC LIMIT 1) c
     JOIN audit.entries first ON first.workspace_id = h.workspace_id AND first.seq = h.cut_seq + 1
     WHERE (first.record->>'at')::timestamptz < $2 AND EXISTS (SELECT FROM audit.entries e
       WHERE e.workspace_id = h.workspace_id AND e.seq > h.cut_seq AND e.seq <= c.seq AND e.record->>'action' <> 'audit.cut')
     LIMIT $3`,
    [before, oldest, limit],
  );
  return rows.map(toCheckpoint);
}

/** @returns false where it is there already, or further on */
export async function moveCut(manager: EntityManager, { workspaceId, seq }: AuditCheckpoint): Promise<boolean> {
  const [, count]: [unknown, number] = await manager.query(
    'UPDATE audit.heads SET cut_seq = $2 WHERE workspace_id = $1 AND cut_seq < $2',
    [workspaceId, seq],
  );
  return count > 0;
}

/** Entries that were cut off. @returns how many, `limit` at most */
export async function removeCut(manager: EntityManager, limit: number): Promise<number> {
  const [row]: { count: string }[] = await manager.query('SELECT audit.remove_cut($1) AS count', [limit]);
  return Number(row?.count ?? 0);
}
