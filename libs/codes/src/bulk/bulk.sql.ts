import type { EntityManager } from 'typeorm';
import type { StoredCode } from '../code.js';
import { COLUMNS, toStoredCode, type CodeRow } from '../codes.sql.js';

/** `awaitTurn` for many, in an order of their own, so that two of these calls cannot wait for each other. */
export async function awaitTurns(manager: EntityManager, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await manager.query(
    `SELECT pg_advisory_xact_lock(hashtextextended(id, 0)) FROM (SELECT unnest($1::text[]) AS id ORDER BY 1) AS turn`,
    [ids],
  );
}

/** Those of the codes that are there, as after every change and claim that is under way; kept until the transaction ends. */
export async function lockCodesOf(
  manager: EntityManager,
  workspaceId: string,
  ids: readonly string[],
): Promise<Map<string, StoredCode>> {
  const rows: CodeRow[] = await manager.query(
    `SELECT ${COLUMNS} FROM codes.codes WHERE workspace_id = $1 AND id = ANY($2) ORDER BY id FOR NO KEY UPDATE`,
    [workspaceId, ids],
  );
  return new Map(rows.map((row) => [row.id, toStoredCode(row)]));
}

export interface BulkRun {
  id: string;
  workspaceId: string;
  /** The key of the ring that its requests are known by. */
  macKeyId: string;
}

/** Those of the last 24 hours are remembered. */
export async function removeOldRuns(manager: EntityManager, at: Date): Promise<void> {
  await manager.query(`DELETE FROM codes.bulk_runs WHERE started_at < $1::timestamptz - interval '24 hours'`, [at]);
}

/** @returns the run of this key, begun now if there is none of the last 24 hours */
export async function openRun(
  manager: EntityManager,
  run: BulkRun & { operation: string; keyHash: Buffer; at: Date; startedBy: string },
): Promise<BulkRun> {
  await removeOldRuns(manager, run.at);
  await manager.query(
    `INSERT INTO codes.bulk_runs (id, workspace_id, operation, key_hash, mac_key_id, started_at, started_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (key_hash) DO NOTHING`,
    [run.id, run.workspaceId, run.operation, run.keyHash, run.macKeyId, run.at, run.startedBy],
  );
  const [row]: { id: string; mac_key_id: string }[] = await manager.query(
    'SELECT id, mac_key_id FROM codes.bulk_runs WHERE key_hash = $1',
    [run.keyHash],
  );
  if (!row) throw new Error('a run vanished while it was opened');
  return { id: row.id, workspaceId: run.workspaceId, macKeyId: row.mac_key_id };
}

/**
 * Waits until no other call of the run is at work, and keeps them waiting until the transaction ends. An advisory lock:
 * one of a row would give the transaction its id before its turn (`awaitTurn`).
 */
export async function lockRun(manager: EntityManager, id: string): Promise<void> {
  await manager.query(`SELECT pg_advisory_xact_lock(hashtextextended('bulk ' || $1, 0))`, [id]);
}

export interface AnsweredBatch {
  firstRow: number;
  requestMac: Buffer;
  answer: Buffer;
}

export async function findBatch(
  manager: EntityManager,
  runId: string,
  firstRow: number,
): Promise<AnsweredBatch | undefined> {
  const [row]: { request_mac: Buffer; answer: Buffer }[] = await manager.query(
    'SELECT request_mac, answer FROM codes.bulk_batches WHERE run_id = $1 AND first_row = $2',
    [runId, firstRow],
  );
  return row && { firstRow, requestMac: row.request_mac, answer: row.answer };
}

export async function insertBatch(
  manager: EntityManager,
  runId: string,
  { firstRow, requestMac, answer }: AnsweredBatch,
): Promise<void> {
  await manager.query(
    'INSERT INTO codes.bulk_batches (run_id, first_row, request_mac, answer) VALUES ($1, $2, $3, $4)',
    [runId, firstRow, requestMac, answer],
  );
}
