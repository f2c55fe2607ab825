import { DIMENSIONS, type Dimension, type Scan } from '@signet/contracts';
import type { EntityManager } from 'typeorm';
import { outcomesOf } from './scan-facts.js';
import { wholeHoursOf, type TimeRange } from './time-range.js';

/** How many values of a dimension are told apart; the rest is one. */
const TOP = 200;
const OTHER = '(other)';
const ORIGIN = `timestamptz '1970-01-01T00:00:00Z'`;

export interface BucketCounts {
  t: Date;
  scans: number;
  bots: number;
  refused: number;
}

/** Whole hours from the hourly rollup, the minutes before and after them from the other. Empty buckets are left out. */
export function readCounts(manager: EntityManager, codeId: string, range: TimeRange): Promise<BucketCounts[]> {
  const hours = range.interval === 'minute' ? { from: range.to, to: range.to } : wholeHoursOf(range);
  return manager.query(
    `SELECT date_bin($2::interval, bucket, ${ORIGIN}) AS t,
       sum(scans)::float8 AS scans, sum(bots)::float8 AS bots, sum(refused)::float8 AS refused
     FROM (
       SELECT bucket, scans, bots, refused FROM analytics.rollups_minute
       WHERE code_id = $1 AND ((bucket >= $3 AND bucket < $5) OR (bucket >= $6 AND bucket < $4))
       UNION ALL
       SELECT bucket,
         CASE WHEN dimension = 'outcome' AND value = ANY($7) THEN scans ELSE 0 END,
         CASE WHEN dimension = 'bots' THEN scans ELSE 0 END,
         CASE WHEN dimension = 'outcome' AND value = ANY($8) THEN scans ELSE 0 END
       FROM analytics.rollups_hour
       WHERE code_id = $1 AND dimension IN ('outcome', 'bots') AND bucket >= $5 AND bucket < $6
     ) AS counts (bucket, scans, bots, refused)
     GROUP BY t`,
    [
      codeId,
      `1 ${range.interval}`,
      range.from,
      range.to,
      hours.from,
      hours.to,
      outcomesOf('scan'),
      outcomesOf('refused'),
    ],
  );
}

export interface Uniques {
  /** null: of the whole range. */
  t: Date | null;
  uniques: number;
}

/** Distinct visitors of each bucket and of the whole range, from the raw scans. */
export function readUniques(manager: EntityManager, codeId: string, range: TimeRange): Promise<Uniques[]> {
  return manager.query(
    `WITH seen AS MATERIALIZED (
       SELECT DISTINCT date_bin($2::interval, at, ${ORIGIN}) AS t, visitor FROM analytics.scans
       WHERE code_id = $1 AND at >= $3 AND at < $4 AND counted_as = 'scan' AND visitor IS NOT NULL
     )
     SELECT t, count(*)::float8 AS uniques FROM seen GROUP BY t
     UNION ALL SELECT NULL, count(*)::float8 FROM (SELECT DISTINCT visitor FROM seen) AS visitors`,
    [codeId, `1 ${range.interval}`, range.from, range.to],
  );
}

export interface ValueCount {
  dimension: Dimension;
  value: string;
  scans: number;
}

/**
 * The values of every dimension, the most frequent first. Whole hours come from the rollup, the parts of an hour at
 * both ends from the raw rows by the rule of scan-facts.ts.
 */
export function readBreakdown(
  manager: EntityManager,
  codeId: string,
  { from, to }: Pick<TimeRange, 'from' | 'to'>,
): Promise<ValueCount[]> {
  const hours = wholeHoursOf({ from, to });
  const inEnds = (column: string): string =>
    `((${column} >= $2 AND ${column} < $4) OR (${column} >= $5 AND ${column} < $3))`;
  return manager.query(
    `WITH facts (dimension, value, scans) AS (
       SELECT dimension, value, scans FROM analytics.rollups_hour
       WHERE code_id = $1 AND dimension = ANY($6) AND bucket >= $4 AND bucket < $5
       UNION ALL
       SELECT 'outcome', outcome, count FROM analytics.folded_scans WHERE code_id = $1 AND ${inEnds('hour')}
       UNION ALL
       SELECT fact.dimension, fact.value, 1
       FROM analytics.scans s CROSS JOIN LATERAL (VALUES
         ('outcome', s.outcome), ('country', s.country), ('city', s.city), ('device', s.device_type), ('os', s.os),
         ('browser', s.browser), ('language', s.language), ('referrer', s.referrer_host)
       ) AS fact (dimension, value)
       WHERE s.code_id = $1 AND ${inEnds('s.at')} AND s.counted_as <> 'bot' AND fact.value <> ''
         AND (s.counted_as = 'scan' OR fact.dimension = 'outcome')
     ), ranked AS (
       SELECT dimension, value, sum(scans) AS scans,
         row_number() OVER (PARTITION BY dimension ORDER BY sum(scans) DESC, value) AS rank
       FROM facts GROUP BY dimension, value
     )
     SELECT dimension, CASE WHEN rank > ${TOP} THEN '${OTHER}' ELSE value END AS value, sum(scans)::float8 AS scans
     FROM ranked GROUP BY 1, 2, least(rank, ${TOP + 1}) ORDER BY dimension, least(rank, ${TOP + 1})`,
    [codeId, from, to, hours.from, hours.to, [...DIMENSIONS]],
  );
}

export interface ScanFilter {
  workspaceId: string;
  codeId?: string;
  from?: string;
  to?: string;
  /** The last row of the page before: `[at, id]`. */
  before?: [string, string];
  limit: number;
}

type Nullable<Value> = { [Field in keyof Value]-?: Exclude<Value[Field], undefined> | null };
type ScanRow = Nullable<Omit<Scan, 'at' | 'codeVersion' | 'targetIndex'>> &
  Pick<Scan, 'id' | 'outcome' | 'bot' | 'preview'> & {
    at: Date;
    codeVersion: string | null;
    targetIndex: string | null;
  };

/** Newest first. */
export async function listScans(
  manager: EntityManager,
  { workspaceId, codeId, from, to, before, limit }: ScanFilter,
): Promise<Scan[]> {
  const rows: ScanRow[] = await manager.query(
    `SELECT id, workspace_id AS "workspaceId", code_id AS "codeId", at, outcome, bot, preview, slug,
       code_version AS "codeVersion", target_index AS "targetIndex", visitor, ip, country, region, city,
       device_type AS "deviceType", os, browser, language, referrer_host AS "referrerHost"
     FROM analytics.scans
     WHERE workspace_id = $1 AND ($2::uuid IS NULL OR code_id = $2)
       AND ($3::timestamptz IS NULL OR at >= $3) AND ($4::timestamptz IS NULL OR at < $4)
       AND ($5::timestamptz IS NULL OR (at, id) < ($5, $6::uuid))
     ORDER BY at DESC, id DESC LIMIT $7`,
    [workspaceId, codeId ?? null, from ?? null, to ?? null, before?.[0] ?? null, before?.[1] ?? null, limit],
  );
  return rows.map(toScan);
}

/** Unknown values are absent, as in the event. */
function toScan(row: ScanRow): Scan {
  return {
    id: row.id,
    workspaceId: row.workspaceId ?? undefined,
    codeId: row.codeId ?? undefined,
    slug: row.slug ?? undefined,
    codeVersion: row.codeVersion === null ? undefined : Number(row.codeVersion),
    outcome: row.outcome,
    targetIndex: row.targetIndex === null ? undefined : Number(row.targetIndex),
    at: row.at.toISOString(),
    visitor: row.visitor ?? undefined,
    ip: row.ip ?? undefined,
    country: row.country ?? undefined,
    region: row.region ?? undefined,
    city: row.city ?? undefined,
    deviceType: row.deviceType ?? undefined,
    os: row.os ?? undefined,
    browser: row.browser ?? undefined,
    language: row.language ?? undefined,
    referrerHost: row.referrerHost ?? undefined,
    bot: row.bot,
    preview: row.preview,
  };
}
