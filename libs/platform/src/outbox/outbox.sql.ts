import type { EntityManager } from 'typeorm';

export interface OutboxRow {
  id: string;
  aggregatetype: string;
  aggregateid: string;
  type: string;
  payload: unknown;
  timestamp: Date;
}

export async function insertOutboxRows(manager: EntityManager, rows: readonly OutboxRow[]): Promise<void> {
  await manager.query(
    `INSERT INTO outbox.events (id, aggregatetype, aggregateid, type, payload, timestamp)
     SELECT id, aggregatetype, aggregateid, type, payload, timestamp
     FROM jsonb_to_recordset($1::jsonb)
       AS e (id uuid, aggregatetype text, aggregateid text, type text, payload jsonb, timestamp timestamptz)`,
    [JSON.stringify(rows)],
  );
}

/** One relay at a time, whichever service it lives in; freed with the transaction. */
export async function tryLockRelay(manager: EntityManager): Promise<boolean> {
  const [row]: { locked: boolean }[] = await manager.query(
    `SELECT pg_try_advisory_xact_lock(hashtextextended('outbox relay', 0)) AS locked`,
  );
  return row?.locked ?? false;
}

/**
 * The oldest rows whose transactions can have no sibling still open: a row that commits late is read late, never
 * skipped, and reading again after a failure gives the same prefix in the same order.
 */
export function readCommittedRows(manager: EntityManager, limit: number): Promise<OutboxRow[]> {
  return manager.query(
    `SELECT id, aggregatetype, aggregateid, type, payload, timestamp FROM outbox.events
     WHERE tx < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY tx, position LIMIT $1`,
    [limit],
  );
}

export async function readNextSequence(manager: EntityManager): Promise<bigint> {
  const [row]: { next_sequence: string }[] = await manager.query('SELECT next_sequence FROM outbox.source');
  return BigInt(row?.next_sequence ?? 1);
}

export async function removePublishedRows(manager: EntityManager, ids: readonly string[]): Promise<void> {
  await manager.query('DELETE FROM outbox.events WHERE id = ANY($1)', [ids]);
  await manager.query('UPDATE outbox.source SET next_sequence = next_sequence + $1', [ids.length]);
}

/** @returns how many rows wait, and the age of the oldest in seconds */
export async function readOutboxBacklog(manager: EntityManager): Promise<{ rows: number; ageSeconds: number }> {
  const [row]: { rows: number; age: number }[] = await manager.query(
    'SELECT count(*)::int AS rows, COALESCE(EXTRACT(epoch FROM now() - min(timestamp)), 0)::float AS age FROM outbox.events',
  );
  return { rows: row?.rows ?? 0, ageSeconds: row?.age ?? 0 };
}
