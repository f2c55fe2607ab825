import type { Dimension } from '@signet/contracts';
import type { EntityManager } from 'typeorm';
import { OTHER } from './rollup.js';
import type { Piece } from './time-range.js';
import { VisitorSketch } from './visitor-sketch.js';

/** How many values of a dimension are told apart; the rest is one. */
const TOP = 200;

/** Whose windows: one code, several, or one workspace. */
export type Scopes = readonly string[];

/** The windows of the pieces, as `w`. $1: scopes, $2: pieces. */
function windows(columns: string): string {
  const read = (grain: Piece['grain']): string =>
    `SELECT ${columns} FROM json_to_recordset($2) AS piece (grain text, "from" float8, "to" float8)
     JOIN analytics.rollups_${grain} r ON r.scope_id = ANY($1::uuid[])
       AND r.bucket >= to_timestamp(piece."from" / 1000) AND r.bucket < to_timestamp(piece."to" / 1000)
     WHERE piece.grain = '${grain}'`;
  return `(${read('minute')} UNION ALL ${read('hour')} UNION ALL ${read('day')}) AS w`;
}

export interface BucketCounts {
  at: Date;
  scans: number;
  bots: number;
  refused: number;
}

/** Counts by the start of the windows; empty ones are left out. */
export function readCounts(manager: EntityManager, scopes: Scopes, pieces: readonly Piece[]): Promise<BucketCounts[]> {
  return manager.query(
    `SELECT bucket AS at, sum(scans)::float8 AS scans, sum(bots)::float8 AS bots, sum(refused)::float8 AS refused
     FROM ${windows('bucket, scans, bots, refused')} GROUP BY bucket`,
    [scopes, JSON.stringify(pieces)],
  );
}

/** The visitors of each window in which there were any. */
export async function readVisitors(
  manager: EntityManager,
  scopes: Scopes,
  pieces: readonly Piece[],
): Promise<{ at: Date; visitors: VisitorSketch }[]> {
  const rows: { at: Date; visitors: Buffer }[] = await manager.query(
    `SELECT bucket AS at, visitors FROM ${windows('bucket, visitors')} WHERE visitors IS NOT NULL`,
    [scopes, JSON.stringify(pieces)],
  );
  return rows.map(({ at, visitors }) => ({ at, visitors: VisitorSketch.decode(visitors) }));
}

export interface ValueCount {
  dimension: Dimension;
  value: string;
  scans: number;
}

/** The values of every dimension, the most frequent first, up to TOP; `(other)` is what is beyond them, and last. */
export function readBreakdown(manager: EntityManager, scopes: Scopes, pieces: readonly Piece[]): Promise<ValueCount[]> {
  return manager.query(
    `WITH facts AS (
       SELECT d.key AS dimension, v.key AS value, sum(v.value::bigint) AS scans
       FROM ${windows('counts')}, jsonb_each(w.counts) AS d, jsonb_each_text(d.value) AS v GROUP BY 1, 2
     ), ranked AS (
       SELECT dimension, value, scans,
         row_number() OVER (PARTITION BY dimension ORDER BY value = '${OTHER}', scans DESC, value COLLATE "C") AS rank
       FROM facts
     ), cut AS (
       SELECT dimension, CASE WHEN rank > ${TOP} THEN '${OTHER}' ELSE value END AS value, scans,
         CASE WHEN rank > ${TOP} OR value = '${OTHER}' THEN ${TOP + 1} ELSE rank END AS rank
       FROM ranked
     )
     SELECT dimension, value, sum(scans)::float8 AS scans FROM cut GROUP BY dimension, value, rank ORDER BY dimension, rank`,
    [scopes, JSON.stringify(pieces)],
  );
}

/**
 * The codes that were scanned most in whole hours.
 * @param codes of the workspace; undefined: all of it
 * @param pieces days and hours
 */
export function readTopCodes(
  manager: EntityManager,
  { workspaceId, codes, pieces, top }: { workspaceId: string; codes?: Scopes; pieces: readonly Piece[]; top: number },
): Promise<{ codeId: string; scans: number }[]> {
  return manager.query(
    `SELECT code_id AS "codeId", sum(scans)::float8 AS scans FROM (
       SELECT d.code_id, d.scans FROM json_to_recordset($3) AS piece (grain text, "from" float8, "to" float8)
       JOIN analytics.code_days d ON d.workspace_id = $1
         AND d.day >= to_timestamp(piece."from" / 1000) AND d.day < to_timestamp(piece."to" / 1000)
       WHERE piece.grain = 'day'
       UNION ALL
       SELECT r.scope_id, r.scans FROM json_to_recordset($3) AS piece (grain text, "from" float8, "to" float8)
       JOIN analytics.rollups_hour r ON r.workspace_id = $1 AND r.scope_id <> $1
         AND r.bucket >= to_timestamp(piece."from" / 1000) AND r.bucket < to_timestamp(piece."to" / 1000)
       WHERE piece.grain = 'hour'
     ) AS counts (code_id, scans)
     WHERE scans > 0 AND ($2::uuid[] IS NULL OR code_id = ANY($2))
     GROUP BY code_id ORDER BY 2 DESC, 1 LIMIT $4`,
    [workspaceId, codes ?? null, JSON.stringify(pieces), top],
  );
}
