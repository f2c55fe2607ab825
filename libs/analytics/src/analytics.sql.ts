import { INTERVALS, type Dimension } from '@signet/contracts';
import type { EntityManager } from 'typeorm';
import { piecesOf, WITHIN_PIECE } from './pieces.sql.js';
import { OTHER } from './rollup.js';
import { tables } from './rollup.sql.js';
import type { Piece } from './time-range.js';
import { VisitorSketch } from './visitor-sketch.js';

/** How many values of a dimension are told apart; the rest is one. */
const TOP = 200;

/** Whose windows: one code, several, or one workspace. */
export type Scopes = readonly string[];

/** What is read of a workspace. */
export interface Windows {
  workspaceId: string;
  /** Undefined: the codes of the label, or all codes, which are read by their times. */
  scopes?: Scopes;
  pieces: readonly Piece[];
  /** Whatever was counted at the time is read, and the scopes picked out of it: for many scopes in a short time. */
  byTime?: boolean;
  /** What is added up for a label, in the place of its codes' own windows. */
  label?: { id: number; pieces: readonly Piece[] };
}

/** Queries for the windows of codes or of a workspace, of `parametersOf` them. */
function ownWindows({ scopes, pieces, byTime, label }: Windows, columns: string): string[] {
  const read = (grain: Piece['grain']): string => {
    const windows = tables[grain];
    const ofTime = `LATERAL (SELECT scope_id, bucket, scans, bots, refused, counts, visitors FROM ${windows} r
      WHERE r.workspace_id = $1 AND r.scope_id <> $1 AND ${WITHIN_PIECE} OFFSET 0) AS r`;
    const found = scopes
      ? byTime
        ? `${ofTime} ON r.scope_id = ANY($2::uuid[])`
        : `${windows} r ON r.workspace_id = $1 AND r.scope_id = ANY($2::uuid[]) AND ${WITHIN_PIECE}`
      : label
        ? `${ofTime} ON $2::uuid[] IS NULL JOIN analytics.code_labels k ON k.code_id = r.scope_id AND k.labels @> ARRAY[$4::int]`
        : `${ofTime} ON $2::uuid[] IS NULL`;
    return `SELECT ${columns} FROM ${piecesOf('$3')} JOIN ${found} WHERE piece.grain = '${grain}'`;
  };
  return INTERVALS.filter((grain) => grain === 'day' || pieces.some((piece) => piece.grain === grain)).map(read);
}

/** All windows as `w`, of `parametersOf` them. */
function relation(windows: Windows, columns: string): string {
  const ofLabel = `SELECT ${columns} FROM ${piecesOf('$5')}
    JOIN LATERAL (SELECT bucket, scans, bots, refused, counts, visitors FROM analytics.label_windows r
      WHERE r.label_id = $4 AND r.interval = piece.grain AND ${WITHIN_PIECE} OFFSET 0) AS r ON true`;
  return `(${[...ownWindows(windows, columns), ...(windows.label ? [ofLabel] : [])].join(' UNION ALL ')}) AS w`;
}

const parametersOf = ({ workspaceId, scopes, pieces, label }: Windows): unknown[] => [
  workspaceId,
  scopes ?? null,
  JSON.stringify(pieces),
  ...(label ? [label.id, JSON.stringify(label.pieces)] : []),
];

export interface BucketCounts {
  at: Date;
  scans: number;
  bots: number;
  refused: number;
}

/** Counts by the start of the windows; empty ones are left out. */
export function readCounts(manager: EntityManager, windows: Windows): Promise<BucketCounts[]> {
  return manager.query(
    `SELECT bucket AS at, sum(scans)::float8 AS scans, sum(bots)::float8 AS bots, sum(refused)::float8 AS refused
     FROM ${relation(windows, 'bucket, scans, bots, refused')} GROUP BY bucket`,
    parametersOf(windows),
  );
}

export interface WindowVisitors extends BucketCounts {
  visitors: VisitorSketch;
}

/** As `readCounts`, window by window, with the visitors of each. */
export async function readVisitors(manager: EntityManager, windows: Windows): Promise<WindowVisitors[]> {
  const rows: (BucketCounts & { visitors: Buffer | null })[] = await manager.query(
    `SELECT bucket AS at, scans::float8 AS scans, bots::float8 AS bots, refused::float8 AS refused, visitors
     FROM ${relation(windows, 'bucket, scans, bots, refused, visitors')}`,
    parametersOf(windows),
  );
  return rows.map(({ visitors, ...counts }) => ({ ...counts, visitors: VisitorSketch.decode(visitors) }));
}

export interface ValueCount {
  dimension: Dimension;
  value: string;
  scans: number;
}

/** The values of every dimension, the most frequent first, up to TOP; `(other)` is what is beyond them, and last. */
export function readBreakdown(manager: EntityManager, windows: Windows): Promise<ValueCount[]> {
  return manager.query(
    `WITH facts AS (
       SELECT d.key AS dimension, v.key AS value, sum(v.value::bigint) AS scans
       FROM ${relation(windows, 'counts')}, jsonb_each(w.counts) AS d, jsonb_each_text(d.value) AS v GROUP BY 1, 2
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
    parametersOf(windows),
  );
}

export interface CodeScans {
  codeId: string;
  scans: number;
}

/** The scans of each of several codes that have any. */
export function readScans(manager: EntityManager, windows: Omit<Windows, 'label'>): Promise<CodeScans[]> {
  return manager.query(
    `SELECT scope_id AS "codeId", sum(scans)::float8 AS scans
     FROM (${ownWindows(windows, 'scope_id, scans').join(' UNION ALL ')}) AS w WHERE scans > 0 GROUP BY scope_id`,
    parametersOf(windows),
  );
}

/**
 * The codes that may be among the most scanned ones, by what is listed for the windows that are added up and by the codes'
 * own windows where not.
 * @param listed added up for the windows' label, or for the workspace when they have none
 * @returns `scans` are at least so many, and at most `unlisted` more; `unseen`: no other code has more
 */
export async function readContenders(
  manager: EntityManager,
  { top, limit, windows, listed }: { top: number; limit: number; windows: Windows; listed: readonly Piece[] },
): Promise<{ unseen: number; contenders: (CodeScans & { unlisted: number })[] }> {
  const { label, ...own } = windows;
  const values = parametersOf({ ...own, ...(label && { label: { id: label.id, pieces: listed } }) });
  if (!label) values.push(null, JSON.stringify(listed));
  const of = label
    ? 'analytics.label_windows r WHERE r.label_id = $4::int'
    : 'analytics.settled_windows r WHERE $4::int IS NULL AND r.workspace_id = $1';
  const rows: { codeId: string | null; scans: number; unlisted: number }[] = await manager.query(
    `WITH listed AS MATERIALIZED (
       SELECT r.top_codes, r.top_scans, r.others_most FROM ${piecesOf('$5')}
       JOIN LATERAL (SELECT top_codes, top_scans, others_most FROM ${of}
         AND r.interval = piece.grain AND ${WITHIN_PIECE} OFFSET 0) AS r ON true
     ), unseen AS (
       SELECT COALESCE(sum(others_most), 0)::float8 AS scans FROM listed
     ), known AS (
       SELECT l.code_id, l.scans, others_most FROM listed, unnest(top_codes, top_scans) AS l (code_id, scans)
       UNION ALL SELECT scope_id, scans, 0
       FROM (${ownWindows(windows, 'scope_id, scans').join(' UNION ALL ')}) AS own WHERE scans > 0
     ), sums AS MATERIALIZED (
       SELECT code_id, sum(known.scans)::float8 AS scans, unseen.scans - sum(others_most)::float8 AS unlisted
       FROM known, unseen GROUP BY code_id, unseen.scans
     )
     SELECT NULL AS "codeId", 0 AS scans, scans AS unlisted FROM unseen
     UNION ALL (
       SELECT code_id, scans, unlisted FROM sums WHERE scans + unlisted >= COALESCE(
         (SELECT scans FROM sums ORDER BY scans DESC OFFSET $6 - 1 LIMIT 1), 0)
       ORDER BY scans DESC LIMIT $7)`,
    [...values, top, limit],
  );
  return {
    unseen: rows.find(({ codeId }) => codeId === null)?.unlisted ?? 0,
    contenders: rows
      .flatMap(({ codeId, ...rest }) => (codeId === null ? [] : [{ codeId, ...rest }]))
      .toSorted((a, b) => b.scans - a.scans),
  };
}

/**
 * The codes that were scanned most, each of them looked at.
 * @param codes of the workspace; undefined: all of it
 * @param pieces days and hours
 */
export function readTopCodes(
  manager: EntityManager,
  { workspaceId, codes, pieces, top }: { workspaceId: string; codes?: Scopes; pieces: readonly Piece[]; top: number },
): Promise<CodeScans[]> {
  return manager.query(
    `SELECT code_id AS "codeId", sum(scans)::float8 AS scans FROM (
       SELECT d.code_id, d.scans FROM ${piecesOf('$3')}
       JOIN analytics.code_days d ON d.workspace_id = $1
         AND d.day >= to_timestamp(piece."from" / 1000) AND d.day < to_timestamp(piece."to" / 1000)
       WHERE piece.grain = 'day'
       UNION ALL
       SELECT r.scope_id, r.scans FROM ${piecesOf('$3')}
       JOIN analytics.rollups_hour r ON r.workspace_id = $1 AND r.scope_id <> $1
         AND ${WITHIN_PIECE}
       WHERE piece.grain = 'hour'
     ) AS counts (code_id, scans)
     WHERE scans > 0 AND ($2::uuid[] IS NULL OR code_id = ANY($2))
     GROUP BY code_id ORDER BY 2 DESC, 1 LIMIT $4`,
    [workspaceId, codes ?? null, JSON.stringify(pieces), top],
  );
}
