import type { Interval } from '@signet/contracts';
import type { EntityManager } from 'typeorm';
import type { CodeScans } from './analytics.sql.js';
import { piecesOf, WITHIN_PIECE } from './pieces.sql.js';
import { MAX_VALUES, mostFrequent, type Counts, type WindowCounts } from './rollup.js';
import { tables } from './rollup.sql.js';
import type { Piece } from './time-range.js';

/** The grains of which labels have windows; minutes are added up when somebody asks. */
export type SettledInterval = Exclude<Interval, 'minute'>;
export const SETTLED_INTERVALS = ['hour', 'day'] as const satisfies readonly Interval[];

const COUNTED = 'r.scans + r.bots + r.refused + r.opened';

export interface DueWindow {
  interval: SettledInterval;
  bucket: Date;
  /** The labels that alone are stale in it; null: the window as a whole was not added up as it is counted now. */
  labels: number[] | null;
}

/**
 * The windows of a workspace that are to be added up, the newest first.
 * @param until windows end before this
 * @param retriedUntil windows that were added up later than this wait, for further late scans
 */
export function readDue(
  manager: EntityManager,
  { workspaceId, until, retriedUntil, limit }: { workspaceId: string; until: Date; retriedUntil: Date; limit: number },
): Promise<DueWindow[]> {
  const due = (interval: SettledInterval): string =>
    `SELECT '${interval}' AS interval, r.bucket FROM ${tables[interval]} r
     LEFT JOIN analytics.settled_windows s ON s.workspace_id = $1 AND s.interval = '${interval}' AND s.bucket = r.bucket
     WHERE r.scope_id = $1 AND r.bucket <= $2::timestamptz - interval '1 ${interval}'
       AND (s.counted IS NULL OR (s.counted <> ${COUNTED} AND s.settled_at <= $3))`;
  return manager.query(
    `SELECT interval, bucket, NULL::int[] AS labels FROM (${SETTLED_INTERVALS.map(due).join(' UNION ALL ')}) AS whole
     UNION ALL
     SELECT w.interval, w.bucket, array_agg(w.label_id) FROM analytics.label_windows w
     JOIN analytics.labels l ON l.id = w.label_id WHERE w.stale AND l.workspace_id = $1 GROUP BY w.interval, w.bucket
     ORDER BY bucket DESC, labels DESC NULLS FIRST LIMIT $4`,
    [workspaceId, until, retriedUntil, limit],
  );
}

/** What a workspace has counted in a window. */
export async function readCounted(
  manager: EntityManager,
  workspaceId: string,
  { interval, bucket }: DueWindow,
): Promise<number> {
  const [row]: { counted: number }[] = await manager.query(
    `SELECT (${COUNTED})::float8 AS counted FROM ${tables[interval]} r WHERE r.scope_id = $1 AND r.bucket = $2`,
    [workspaceId, bucket],
  );
  return row?.counted ?? 0;
}

export interface LabelledWindow {
  codeId: string;
  labels: number[];
  scans: number;
  bots: number;
  refused: number;
  counts: Counts;
  visitors: Buffer | null;
}

/** The windows of a workspace's codes at a time, `page` at once. Given labels: of their codes alone. */
export async function* readLabelledWindows(
  manager: EntityManager,
  workspaceId: string,
  { interval, bucket, labels, page }: DueWindow & { page: number },
): AsyncGenerator<LabelledWindow[]> {
  await manager.query(
    `DECLARE labelled NO SCROLL CURSOR FOR
     SELECT r.scope_id AS "codeId", COALESCE(k.labels, '{}') AS labels, r.scans::float8 AS scans, r.bots::float8 AS bots,
       r.refused::float8 AS refused, r.counts, r.visitors
     FROM ${tables[interval]} r LEFT JOIN analytics.code_labels k ON k.code_id = r.scope_id
     WHERE r.workspace_id = $1 AND r.bucket = $2 AND r.scope_id <> $1 AND ($3::int[] IS NULL OR k.labels && $3)`,
    [workspaceId, bucket, labels],
  );
  let rows: LabelledWindow[];
  do {
    rows = await manager.query(`FETCH ${page} FROM labelled`);
    yield rows;
  } while (rows.length === page);
  await manager.query('CLOSE labelled');
}

/** The codes of a window with the most scans, and how many each other one has at most. */
export interface Ranking {
  codes: readonly CodeScans[];
  othersMost: number;
}

export interface LabelWindow {
  labelId: number;
  counts: WindowCounts;
  top: Ranking;
}

/** Replaces a window of labels: of all of a workspace, or of those that it names. */
export async function replaceLabelWindows(
  manager: EntityManager,
  { workspaceId, due, windows }: { workspaceId: string; due: DueWindow; windows: readonly LabelWindow[] },
): Promise<void> {
  const { interval, bucket, labels } = due;
  await manager.query(
    `DELETE FROM analytics.label_windows w USING analytics.labels l
     WHERE l.workspace_id = $1 AND w.label_id = l.id AND w.interval = $2 AND w.bucket = $3
       AND ($4::int[] IS NULL OR l.id = ANY($4))`,
    [workspaceId, interval, bucket, labels],
  );
  await manager.query(
    `INSERT INTO analytics.label_windows
       (label_id, interval, bucket, stale, scans, bots, refused, counts, visitors, top_codes, top_scans, others_most)
     SELECT label, $1, $2, false, scans, bots, refused, counts, decode(visitors, 'base64'), top, "topScans",
       "othersMost"
     FROM json_to_recordset($3) AS added (label int, scans bigint, bots bigint, refused bigint, counts jsonb,
       visitors text, top uuid[], "topScans" bigint[], "othersMost" bigint)`,
    [
      interval,
      bucket,
      JSON.stringify(
        windows.map(({ labelId, counts, top }) => ({
          label: labelId,
          scans: counts.scans,
          bots: counts.bots,
          refused: counts.refused,
          counts: mostFrequent(counts.counts, MAX_VALUES),
          visitors: counts.visitors.encode()?.toString('base64'),
          top: top.codes.map(({ codeId }) => codeId),
          topScans: top.codes.map(({ scans }) => scans),
          othersMost: top.othersMost,
        })),
      ),
    ],
  );
}

export async function settleWindow(
  manager: EntityManager,
  {
    workspaceId,
    due: { interval, bucket },
    counted,
    top,
    at,
  }: { workspaceId: string; due: DueWindow; counted: number; top: Ranking; at: Date },
): Promise<void> {
  await manager.query(
    `INSERT INTO analytics.settled_windows (workspace_id, interval, bucket, counted, settled_at, top_codes, top_scans,
       others_most)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT (workspace_id, interval, bucket) DO UPDATE SET counted = excluded.counted,
       settled_at = excluded.settled_at, top_codes = excluded.top_codes, top_scans = excluded.top_scans,
       others_most = excluded.others_most`,
    [
      workspaceId,
      interval,
      bucket,
      counted,
      at,
      top.codes.map(({ codeId }) => codeId),
      top.codes.map(({ scans }) => scans),
      top.othersMost,
    ],
  );
}

/** What was added up between two starts of a UTC day is to be added up again. */
export async function unsettle(manager: EntityManager, from: Date, to: Date): Promise<void> {
  await manager.query('DELETE FROM analytics.settled_windows WHERE bucket >= $1 AND bucket < $2', [from, to]);
}

/**
 * Those of the hours and days of pieces in which anything was counted and which are not added up as they are counted, or
 * not with the codes of today.
 * @param labelId undefined: of the workspace as a whole
 * @param moved codes that have come to the label or gone from it since its windows were added up
 */
export async function readUnsettled(
  manager: EntityManager,
  {
    workspaceId,
    labelId,
    moved,
    pieces,
  }: { workspaceId: string; labelId?: number; moved: readonly string[]; pieces: readonly Piece[] },
): Promise<{ grain: SettledInterval; from: number }[]> {
  const unsettled = (grain: SettledInterval): string => `
    SELECT '${grain}' AS grain, r.bucket FROM ${piecesOf('$2')}
    JOIN ${tables[grain]} r ON r.scope_id = $1 AND ${WITHIN_PIECE}
    LEFT JOIN analytics.settled_windows s
      ON s.workspace_id = $1 AND s.interval = '${grain}' AND s.bucket = r.bucket AND s.counted = ${COUNTED}
    LEFT JOIN analytics.label_windows w
      ON w.label_id = $3 AND w.interval = '${grain}' AND w.bucket = r.bucket AND w.stale
    WHERE piece.grain = '${grain}' AND (s.bucket IS NULL OR w.bucket IS NOT NULL)
    UNION
    SELECT '${grain}', r.bucket FROM ${piecesOf('$2')}
    JOIN ${tables[grain]} r ON r.scope_id = ANY($4::uuid[]) AND ${WITHIN_PIECE} WHERE piece.grain = '${grain}'`;
  const rows: { grain: SettledInterval; bucket: Date }[] = await manager.query(
    SETTLED_INTERVALS.map((grain) => unsettled(grain)).join(' UNION ALL '),
    [workspaceId, JSON.stringify(pieces), labelId ?? null, moved],
  );
  return rows.map(({ grain, bucket }) => ({ grain, from: bucket.getTime() }));
}
