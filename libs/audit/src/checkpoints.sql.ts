import type { AuditCheckpoint } from '@signet/contracts';
import type { EntityManager } from 'typeorm';
import type { Head } from './chain.js';

export interface CheckpointRow extends Omit<AuditCheckpoint, 'seq' | 'at'> {
  seq: string;
  at: Date;
}
export const CHECKPOINT_COLUMNS = 'workspace_id AS "workspaceId", seq, hash, at, kid, signature';
export const toCheckpoint = ({ seq, at, ...row }: CheckpointRow): AuditCheckpoint => ({
  ...row,
  seq: Number(seq),
  at: at.toISOString(),
});

/** Heads that have moved on since a checkpoint that is older than `before`, or that have none. */
export async function readHeadsToSign(
  manager: EntityManager,
  before: Date,
  limit: number,
): Promise<(Head & { workspaceId: string })[]> {
  const rows: { workspaceId: string; seq: string; hash: string }[] = await manager.query(
    `SELECT h.workspace_id AS "workspaceId", h.seq, h.hash FROM audit.heads h
     WHERE NOT EXISTS (SELECT FROM audit.checkpoints c
                       WHERE c.workspace_id = h.workspace_id AND (c.seq >= h.seq OR c.at > $1)) LIMIT $2`,
    [before, limit],
  );
  return rows.map((row) => ({ ...row, seq: Number(row.seq) }));
}

/** One signer at a time, whichever service it lives in. */
export async function tryLockSigner(manager: EntityManager): Promise<boolean> {
  const [row]: { locked: boolean }[] = await manager.query(
    `SELECT pg_try_advisory_xact_lock(hashtextextended('audit checkpoints', 0)) AS locked`,
  );
  return row?.locked ?? false;
}

export async function insertCheckpoints(
  manager: EntityManager,
  checkpoints: readonly AuditCheckpoint[],
): Promise<void> {
  await manager.query(
    `INSERT INTO audit.checkpoints (workspace_id, seq, hash, at, kid, signature)
     SELECT "workspaceId", seq, hash, at, kid, signature FROM jsonb_to_recordset($1::jsonb)
       AS c ("workspaceId" uuid, seq bigint, hash text, at timestamptz, kid text, signature text)`,
    [JSON.stringify(checkpoints)],
  );
}

/** Of a workspace, the newest first, those before `beforeSeq`; all without a limit. */
export async function readCheckpoints(
  manager: EntityManager,
  workspaceId: string,
  { beforeSeq, limit }: { beforeSeq?: number | undefined; limit?: number },
): Promise<AuditCheckpoint[]> {
  const rows: CheckpointRow[] = await manager.query(
    `SELECT ${CHECKPOINT_COLUMNS} FROM audit.checkpoints
     WHERE workspace_id = $1 AND ($2::bigint IS NULL OR seq < $2) ORDER BY seq DESC LIMIT $3`,
    [workspaceId, beforeSeq ?? null, limit ?? null],
  );
  return rows.map(toCheckpoint);
}
