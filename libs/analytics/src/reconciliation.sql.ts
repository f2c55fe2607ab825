import type { EntityManager } from 'typeorm';

export interface HourCounts {
  t: Date;
  journaled: number;
  missing: number;
  raw: number;
  codes: number;
  workspace: number;
  minutes: number;
}

/**
 * Each hour of a range in which anything was counted, as the journals, the raw scans and the rollups have it. A journal
 * numbers its events without gaps, so a number between two others that never came is an event that is missing.
 */
export function readHours(
  manager: EntityManager,
  { workspaceId, from, to }: { workspaceId: string; from: Date; to: Date },
): Promise<HourCounts[]> {
  return manager.query(
    `WITH raw AS (
       SELECT date_trunc('hour', at, 'UTC') AS t, source_id, sequence, 1::bigint AS count,
         code_id IS NOT NULL AND workspace_id = $1 AS ours
       FROM analytics.scans WHERE at >= $2 AND at < $3
       UNION ALL
       SELECT hour, source_id, sequence, count, code_id IS NOT NULL AND workspace_id = $1
       FROM analytics.folded_scans WHERE hour >= $2 AND hour < $3
     ), numbered AS (
       SELECT t, greatest(sequence - lag(sequence) OVER (PARTITION BY source_id ORDER BY sequence) - 1, 0) AS skipped
       FROM raw WHERE sequence IS NOT NULL AND source_id IS NOT NULL
     ), counts (t, journaled, missing, raw, codes, workspace, minutes) AS (
       SELECT t, 1 + COALESCE(skipped, 0), COALESCE(skipped, 0), 0, 0, 0, 0 FROM numbered
       UNION ALL SELECT t, 0, 0, count, 0, 0, 0 FROM raw WHERE ours
       UNION ALL
       SELECT bucket, 0, 0, 0, CASE WHEN scope_id <> $1 THEN scans + bots + refused + opened ELSE 0 END,
         CASE WHEN scope_id = $1 THEN scans + bots + refused + opened ELSE 0 END, 0
       FROM analytics.rollups_hour WHERE workspace_id = $1 AND bucket >= $2 AND bucket < $3
       UNION ALL
       SELECT date_trunc('hour', bucket, 'UTC'), 0, 0, 0, 0, 0, scans + bots + refused + opened
       FROM analytics.rollups_minute WHERE scope_id = $1 AND bucket >= $2 AND bucket < $3
     )
     SELECT t, sum(journaled)::float8 AS journaled, sum(missing)::float8 AS missing, sum(raw)::float8 AS raw,
       sum(codes)::float8 AS codes, sum(workspace)::float8 AS workspace, sum(minutes)::float8 AS minutes
     FROM counts GROUP BY t ORDER BY t`,
    [workspaceId, from, to],
  );
}
