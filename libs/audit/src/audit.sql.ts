import type { AuditEntry, AuditRecord } from '@signet/contracts';
import type { EntityManager } from 'typeorm';
import type { Head } from './chain.js';

interface EntryRow {
  record: AuditRecord;
  seq: string;
  prev_hash: string;
  hash: string;
}
const toEntry = (row: EntryRow): AuditEntry => ({
  ...row.record,
  seq: Number(row.seq),
  prevHash: row.prev_hash,
  hash: row.hash,
});

/** In the order in which they are given. */
export async function insertRecords(manager: EntityManager, records: readonly AuditRecord[]): Promise<void> {
  await manager.query(
    `INSERT INTO audit.entries (id, workspace_id, record)
     SELECT (r.record->>'id')::uuid, (r.record->>'workspaceId')::uuid, r.record
     FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS r (record, place) ORDER BY r.place`,
    [JSON.stringify(records)],
  );
}

const CHAIN = `hashtextextended('audit chain', 0)`;

/** One sequencer at a time, whichever service it lives in. */
export async function tryLockSequencer(manager: EntityManager): Promise<boolean> {
  const [row]: { locked: boolean }[] = await manager.query(`SELECT pg_try_advisory_xact_lock(${CHAIN}) AS locked`);
  return row?.locked ?? false;
}

/** As `tryLockSequencer`, once it is free: nothing is chained until the transaction ends. */
export async function lockSequencer(manager: EntityManager): Promise<void> {
  await manager.query(`SELECT pg_advisory_xact_lock(${CHAIN})`);
}

/** Records in commit order, oldest first; one that commits late is chained late, never skipped. */
export async function readUnchained(manager: EntityManager, limit: number): Promise<AuditRecord[]> {
  const rows: { record: AuditRecord }[] = await manager.query(
    `SELECT record FROM audit.entries
     WHERE seq IS NULL AND tx < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY tx, position LIMIT $1`,
    [limit],
  );
  return rows.map(({ record }) => record);
}

export async function readHeads(manager: EntityManager, workspaceIds: readonly string[]): Promise<Map<string, Head>> {
  const rows: { workspace_id: string; seq: string; hash: string }[] = await manager.query(
    'SELECT workspace_id, seq, hash FROM audit.heads WHERE workspace_id = ANY($1)',
    [workspaceIds],
  );
  return new Map(rows.map((row) => [row.workspace_id, { seq: Number(row.seq), hash: row.hash }]));
}

export async function writeChained(
  manager: EntityManager,
  entries: readonly AuditEntry[],
  heads: ReadonlyMap<string, Head>,
): Promise<void> {
  await manager.query(
    `UPDATE audit.entries e SET seq = c.seq, prev_hash = c.prev_hash, hash = c.hash
     FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[]) AS c (id, seq, prev_hash, hash) WHERE e.id = c.id`,
    [
      entries.map(({ id }) => id),
      entries.map(({ seq }) => seq),
      entries.map(({ prevHash }) => prevHash),
      entries.map(({ hash }) => hash),
    ],
  );
  await manager.query(
    `INSERT INTO audit.heads (workspace_id, seq, hash) SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[])
     ON CONFLICT (workspace_id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash`,
    [[...heads.keys()], [...heads.values()].map(({ seq }) => seq), [...heads.values()].map(({ hash }) => hash)],
  );
}

/** Chained entries after `seq`, ascending. */
export async function readChainAfter(
  manager: EntityManager,
  workspaceId: string,
  seq: number,
  limit: number,
): Promise<AuditEntry[]> {
  const rows: EntryRow[] = await manager.query(
    `SELECT record, seq, prev_hash, hash FROM audit.entries WHERE workspace_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
    [workspaceId, seq, limit],
  );
  return rows.map(toEntry);
}

/** Chained entries before `seq`, newest first. */
export async function readEntriesBefore(
  manager: EntityManager,
  workspaceId: string,
  filter: { beforeSeq?: number; action?: string; subject?: string; limit: number },
): Promise<AuditEntry[]> {
  const rows: EntryRow[] = await manager.query(
    `SELECT record, seq, prev_hash, hash FROM audit.entries
     WHERE workspace_id = $1 AND seq IS NOT NULL AND ($2::bigint IS NULL OR seq < $2)
       AND ($3::text IS NULL OR record->>'action' = $3) AND ($4::text IS NULL OR record->>'subject' = $4)
     ORDER BY seq DESC LIMIT $5`,
    [workspaceId, filter.beforeSeq ?? null, filter.action ?? null, filter.subject ?? null, filter.limit],
  );
  return rows.map(toEntry);
}

export async function countUnchained(manager: EntityManager, workspaceId: string): Promise<number> {
  const [row]: { count: number }[] = await manager.query(
    'SELECT count(*)::int AS count FROM audit.entries WHERE workspace_id = $1 AND seq IS NULL',
    [workspaceId],
  );
  return row?.count ?? 0;
}

/** Takes what names a subject out of its oldest chained entries. @returns what is left of them */
export async function redactEntries(
  manager: EntityManager,
  { workspaceId, subject }: { workspaceId: string; subject: string },
  limit: number,
): Promise<AuditEntry[]> {
  const rows: EntryRow[] = await manager.query(
    'SELECT record, seq, prev_hash, hash FROM audit.redact($1, $2, $3) ORDER BY seq',
    [workspaceId, subject, limit],
  );
  return rows.map(toEntry);
}

/** Of a subject, chained or not. */
export async function countEntriesOf(manager: EntityManager, workspaceId: string, subject: string): Promise<number> {
  const [row]: { count: number }[] = await manager.query(
    `SELECT count(*)::int AS count FROM audit.entries
     WHERE workspace_id = $1 AND record ? 'subject' AND record->>'subject' = $2`,
    [workspaceId, subject],
  );
  return row?.count ?? 0;
}

/** Entries about a subject in the order in which they were written. @param after position of the last one before */
export async function readEntriesOf(
  manager: EntityManager,
  { workspaceId, subject }: { workspaceId: string; subject: string },
  { after, limit }: { after: string; limit: number },
): Promise<{ record: AuditRecord; position: string }[]> {
  return manager.query(
    `SELECT record, position FROM audit.entries
     WHERE workspace_id = $1 AND record ? 'subject' AND record->>'subject' = $2 AND position > $3
     ORDER BY position LIMIT $4`,
    [workspaceId, subject, after, limit],
  );
}
