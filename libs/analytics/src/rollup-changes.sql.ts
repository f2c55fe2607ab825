import { INTERVALS, type Interval } from '@signet/contracts';
import type { EntityManager } from 'typeorm';
import type { Counts, Window } from './rollup.js';
import { tables } from './rollup.sql.js';

const NOTE_AGAIN = `ON CONFLICT (interval, scope_id, bucket) DO UPDATE SET changed_by = excluded.changed_by`;
const BY_US = `pg_current_xact_id()::text::bigint`;

/**
 * In the transaction that changes the windows of codes, after them, so that whoever waits for a note holds no window
 * that its writer waits for.
 * @param windows of each interval in the order of their keys
 */
export async function noteChanged(
  manager: EntityManager,
  windows: Readonly<Record<Interval, readonly Window[]>>,
): Promise<void> {
  const changed = INTERVALS.flatMap((interval) =>
    windows[interval].map(({ scopeId, workspaceId, bucket }) => ({
      interval,
      scope: scopeId,
      workspace: workspaceId,
      bucket,
    })),
  );
  if (changed.length === 0) return;
  await manager.query(
    `INSERT INTO analytics.rollup_changes (interval, scope_id, bucket, workspace_id, changed_by, since)
     SELECT interval, scope, to_timestamp(bucket / 1000), workspace, ${BY_US}, now()
     FROM json_to_recordset($1) AS changed (interval text, scope uuid, workspace uuid, bucket float8) ${NOTE_AGAIN}`,
    [JSON.stringify(changed)],
  );
}

/** As `noteChanged`, of all windows of codes between two times. */
export async function noteAllChanged(manager: EntityManager, from: Date, to: Date): Promise<void> {
  for (const interval of INTERVALS)
    await manager.query(
      `INSERT INTO analytics.rollup_changes (interval, scope_id, bucket, workspace_id, changed_by, since)
       SELECT $3, scope_id, bucket, workspace_id, ${BY_US}, now() FROM ${tables[interval]}
       WHERE bucket >= $1 AND bucket < $2 AND scope_id <> workspace_id ORDER BY scope_id, bucket ${NOTE_AGAIN}`,
      [from, to, interval],
    );
}

/**
 * One process publishes at a time, to the end of the transaction, so that the newest value of a window is the last one in
 * the log.
 */
export async function tryLockPublisher(manager: EntityManager): Promise<boolean> {
  const [row]: { locked: boolean }[] = await manager.query(
    `SELECT pg_try_advisory_xact_lock(hashtextextended('rollup publisher', 0)) AS locked`,
  );
  return row?.locked ?? false;
}

export interface ChangedWindow {
  scope: string;
  bucket: Date;
  workspace: string;
  changedBy: string;
  /** Whether the window is kept; minutes of days that were dropped are not, and say nothing more. */
  isKept: boolean;
  /** Null: nothing is counted in it any more. */
  counts: Counts | null;
  visitors: Buffer | null;
  scans: number;
  bots: number;
  refused: number;
  opened: number;
}

/**
 * The windows that have waited longest, with their values as they are committed: both are of one snapshot.
 * @param waited in milliseconds, since their first change
 */
export function readChanged(
  manager: EntityManager,
  interval: Interval,
  { waited, limit }: { waited: number; limit: number },
): Promise<ChangedWindow[]> {
  return manager.query(
    `SELECT c.scope_id AS scope, c.bucket, c.workspace_id AS workspace, c.changed_by AS "changedBy",
       r.scope_id IS NOT NULL OR $1 <> 'minute' OR c.bucket >= (SELECT raw_from FROM analytics.retention) AS "isKept",
       r.counts, r.visitors, COALESCE(r.scans, 0)::float8 AS scans, COALESCE(r.bots, 0)::float8 AS bots,
       COALESCE(r.refused, 0)::float8 AS refused, COALESCE(r.opened, 0)::float8 AS opened
     FROM (
       SELECT scope_id, bucket, workspace_id, changed_by FROM analytics.rollup_changes
       WHERE interval = $1 AND since <= now() - make_interval(secs => $2) ORDER BY since LIMIT $3
     ) AS c LEFT JOIN ${tables[interval]} r ON r.scope_id = c.scope_id AND r.bucket = c.bucket`,
    [interval, waited / 1000, limit],
  );
}

/** Forgets changes that were published. One that was made since, or is being made, stays. */
export async function forgetChanges(
  manager: EntityManager,
  interval: Interval,
  published: readonly ChangedWindow[],
): Promise<void> {
  await manager.query(
    `DELETE FROM analytics.rollup_changes WHERE ctid = ANY(ARRAY(
       SELECT c.ctid FROM json_to_recordset($2) AS done (scope uuid, bucket float8, "changedBy" bigint)
       JOIN analytics.rollup_changes c ON c.interval = $1 AND c.scope_id = done.scope
         AND c.bucket = to_timestamp(done.bucket / 1000) AND c.changed_by = done."changedBy"
       FOR UPDATE OF c SKIP LOCKED))`,
    [
      interval,
      JSON.stringify(published.map(({ scope, bucket, changedBy }) => ({ scope, bucket: bucket.getTime(), changedBy }))),
    ],
  );
}

/** @returns for how long the oldest change has waited, in seconds; 0 for none */
export async function readPublishAge(manager: EntityManager): Promise<number> {
  const [row]: { age: number }[] = await manager.query(
    `SELECT COALESCE(extract(epoch FROM now() - min(since)), 0)::float8 AS age FROM (VALUES ('minute'), ('hour'), ('day'))
       AS one (interval), LATERAL (SELECT min(since) AS since FROM analytics.rollup_changes c
         WHERE c.interval = one.interval) AS oldest`,
  );
  return row?.age ?? 0;
}
