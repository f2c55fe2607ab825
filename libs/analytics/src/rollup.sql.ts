import type { Interval } from '@signet/contracts';
import type { EntityManager } from 'typeorm';
import { COLUMNS, keyOf, WindowCounts, type Counts, type Window } from './rollup.js';
import { VisitorSketch } from './visitor-sketch.js';

/** The windows of each interval. */
export const tables: Readonly<Record<Interval, string>> = {
  minute: 'analytics.rollups_minute',
  hour: 'analytics.rollups_hour',
  day: 'analytics.rollups_day',
};

/**
 * Adds to windows, each read under its lock, since counts and sketches are merged here. A window that is new is
 * inserted; one that somebody else inserted meanwhile is waited for and added to like the others.
 * @param windows one a key, in the order of the keys
 */
export async function addWindows(
  manager: EntityManager,
  interval: Interval,
  windows: readonly Window[],
): Promise<void> {
  if (windows.length === 0) return;
  const stored = await lockWindows(manager, interval, windows);
  const fresh = windows.filter((window) => !stored.has(keyOf(window.scopeId, window.bucket)));
  const inserted = await insertWindows(manager, interval, fresh);
  const raced = fresh.filter((window) => !inserted.has(keyOf(window.scopeId, window.bucket)));
  for (const [key, counts] of await lockWindows(manager, interval, raced)) stored.set(key, counts);
  const changed = windows.flatMap((window) => {
    const counts = stored.get(keyOf(window.scopeId, window.bucket));
    counts?.merge(window.counts);
    return counts ? [{ ...window, counts }] : [];
  });
  await updateWindows(manager, interval, changed);
}

const keysOf = (windows: readonly Window[]): string =>
  JSON.stringify(windows.map(({ scopeId, bucket }) => ({ scope: scopeId, bucket })));

function rowsOf(windows: readonly Window[]): string {
  const rows = windows.map(({ scopeId, workspaceId, bucket, counts }) => ({
    scope: scopeId,
    workspace: workspaceId,
    bucket,
    scans: counts.scans,
    bots: counts.bots,
    refused: counts.refused,
    opened: counts.opened,
    counts: counts.counts,
    visitors: counts.visitors.encode()?.toString('base64'),
  }));
  return JSON.stringify(rows);
}

interface StoredWindow {
  scope: string;
  bucket: Date;
  counts: Counts;
  visitors: Buffer | null;
  scans: number;
  bots: number;
  refused: number;
  opened: number;
}

async function lockWindows(
  manager: EntityManager,
  interval: Interval,
  windows: readonly Window[],
): Promise<Map<string, WindowCounts>> {
  if (windows.length === 0) return new Map();
  const rows: StoredWindow[] = await manager.query(
    `SELECT r.scope_id AS scope, r.bucket, r.counts, r.visitors, r.scans::float8 AS scans, r.bots::float8 AS bots,
       r.refused::float8 AS refused, r.opened::float8 AS opened
     FROM json_to_recordset($1) AS key (scope uuid, bucket float8)
     JOIN ${tables[interval]} r ON r.scope_id = key.scope AND r.bucket = to_timestamp(key.bucket / 1000)
     ORDER BY r.scope_id, r.bucket FOR UPDATE OF r`,
    [keysOf(windows)],
  );
  return new Map(rows.map((row) => [keyOf(row.scope, row.bucket.getTime()), toCounts(row)]));
}

function toCounts(row: StoredWindow): WindowCounts {
  const counts = new WindowCounts(row.counts, VisitorSketch.decode(row.visitors));
  for (const column of COLUMNS) counts[column] = row[column];
  return counts;
}

/** @returns the keys of those that were not there */
async function insertWindows(
  manager: EntityManager,
  interval: Interval,
  windows: readonly Window[],
): Promise<Set<string>> {
  if (windows.length === 0) return new Set();
  const rows: { scope: string; bucket: Date }[] = await manager.query(
    `INSERT INTO ${tables[interval]} (scope_id, bucket, workspace_id, scans, bots, refused, opened, counts, visitors)
     SELECT scope, to_timestamp(bucket / 1000), workspace, scans, bots, refused, opened, counts, decode(visitors, 'base64')
     FROM json_to_recordset($1) AS added (scope uuid, bucket float8, workspace uuid, scans bigint, bots bigint,
       refused bigint, opened bigint, counts jsonb, visitors text)
     ON CONFLICT (scope_id, bucket) DO NOTHING RETURNING scope_id AS scope, bucket`,
    [rowsOf(windows)],
  );
  return new Set(rows.map(({ scope, bucket }) => keyOf(scope, bucket.getTime())));
}

async function updateWindows(manager: EntityManager, interval: Interval, windows: readonly Window[]): Promise<void> {
  if (windows.length === 0) return;
  await manager.query(
    `UPDATE ${tables[interval]} r
     SET scans = changed.scans, bots = changed.bots, refused = changed.refused, opened = changed.opened,
       counts = changed.counts, visitors = decode(changed.visitors, 'base64')
     FROM json_to_recordset($1) AS changed (scope uuid, bucket float8, scans bigint, bots bigint, refused bigint,
       opened bigint, counts jsonb, visitors text)
     WHERE r.scope_id = changed.scope AND r.bucket = to_timestamp(changed.bucket / 1000)`,
    [rowsOf(windows)],
  );
}

/** @param windows days of codes, in the order of their keys */
export async function addToCodeDays(manager: EntityManager, windows: readonly Window[]): Promise<void> {
  const scanned = windows.filter(({ counts }) => counts.scans > 0);
  if (scanned.length === 0) return;
  await manager.query(
    `INSERT INTO analytics.code_days AS d (workspace_id, day, code_id, scans)
     SELECT workspace, to_timestamp(bucket / 1000), scope, scans
     FROM json_to_recordset($1) AS added (scope uuid, workspace uuid, bucket float8, scans bigint)
     ON CONFLICT (workspace_id, day, code_id) DO UPDATE SET scans = d.scans + excluded.scans`,
    [
      JSON.stringify(
        scanned.map(({ scopeId, workspaceId, bucket, counts }) => ({
          scope: scopeId,
          workspace: workspaceId,
          bucket,
          scans: counts.scans,
        })),
      ),
    ],
  );
}

/** Forgets what was counted between two starts of a UTC day. */
export async function clearWindows(manager: EntityManager, from: Date, to: Date): Promise<void> {
  for (const table of Object.values(tables))
    await manager.query(`DELETE FROM ${table} WHERE bucket >= $1 AND bucket < $2`, [from, to]);
  await manager.query('DELETE FROM analytics.code_days WHERE day >= $1 AND day < $2', [from, to]);
}
