import type { ScanEvent } from '@signet/contracts';
import type { EntityManager } from 'typeorm';
import { startOfHour } from './rollup.js';
import { classifyScan, storableText } from './scan-facts.js';

export type RecordedScan = Extract<ScanEvent, { type: 'scan.recorded' }>;
export type FoldedScan = Extract<ScanEvent, { type: 'scan.folded' }>;
/** No scan; but a number of its journal, which would be missed. */
export type GuessingEvent = Extract<ScanEvent, { type: 'scan.guessing' }>;

/** Makes the partition of a UTC day, if it is not there. @param day in milliseconds since the epoch */
export async function openDay(manager: EntityManager, day: number): Promise<void> {
  await manager.query('SELECT analytics.open_day($1::date)', [new Date(day).toISOString().slice(0, 10)]);
}

/** Drops the raw scans and minutes of the days before. @returns how many days were dropped */
export async function dropDaysBefore(manager: EntityManager, day: number): Promise<number> {
  const date = new Date(day).toISOString().slice(0, 10);
  const [row]: { dropped: number }[] = await manager.query('SELECT analytics.drop_days_before($1::date) AS dropped', [
    date,
  ]);
  return row?.dropped ?? 0;
}

/** Before this time no raw scans are kept, and none are counted. */
export async function readRawFrom(manager: EntityManager): Promise<number> {
  const [row]: { raw_from: Date | number }[] = await manager.query('SELECT raw_from FROM analytics.retention');
  return Number(row?.raw_from ?? -Infinity);
}

export type SourceIds = ReadonlyMap<string, number>;

/** @returns the number of each source, given when it is first seen */
export async function idsOfSources(manager: EntityManager, events: readonly ScanEvent[]): Promise<SourceIds> {
  const sources = [...new Set(events.map(({ source }) => storableText(source)))];
  const rows: { id: number; source: string }[] = await manager.query(
    `WITH new AS (
       INSERT INTO analytics.sources (source) SELECT source FROM unnest($1::text[]) AS source
       WHERE source NOT IN (SELECT source FROM analytics.sources) ORDER BY source
       ON CONFLICT (source) DO UPDATE SET source = excluded.source RETURNING id, source
     )
     SELECT id, source FROM new UNION ALL SELECT id, source FROM analytics.sources WHERE source = ANY($1)`,
    [sources],
  );
  return new Map(rows.map(({ id, source }) => [source, id]));
}

/**
 * Rows go to PostgreSQL as one JSON parameter: `pg` takes longer to write the array literals of a batch than
 * PostgreSQL takes to store it. Instants are milliseconds in it: PostgreSQL reads no ISO text of the year 0.
 */
const asJson = (rows: readonly object[]): string => JSON.stringify(rows);

/**
 * @param scans in the order of their ids, so that two writers that have some in common wait in line, not in a circle
 * @returns the ids that were not there yet
 */
export async function insertScans(
  manager: EntityManager,
  scans: readonly RecordedScan[],
  sourceIds: SourceIds,
): Promise<Set<string>> {
  if (scans.length === 0) return new Set();
  const rows: { id: string }[] = await manager.query(
    `INSERT INTO analytics.scans (id, workspace_id, code_id, at, counted_as, outcome, bot, preview, slug, code_version,
       target_index, visitor, ip, country, region, city, device_type, os, browser, language, referrer_host, source_id,
       sequence)
     SELECT id, "workspaceId", "codeId", to_timestamp(at / 1000), "countedAs", outcome, bot, preview, slug, "codeVersion",
       "targetIndex", visitor, ip, country, region, city, "deviceType", os, browser, language, "referrerHost",
       "sourceId", sequence
     FROM json_to_recordset($1) AS scan (id uuid, "workspaceId" uuid, "codeId" uuid, at float8, "countedAs" text,
       outcome text, bot boolean, preview boolean, slug text, "codeVersion" bigint, "targetIndex" bigint, visitor text,
       ip text, country text, region text, city text, "deviceType" text, os text, browser text, language text,
       "referrerHost" text, "sourceId" int, sequence bigint)
     ON CONFLICT (id, at) DO NOTHING RETURNING id`,
    [asJson(scans.map((scan) => toScanRow(scan, sourceIds)))],
  );
  return new Set(rows.map(({ id }) => id));
}

const MAX_BIGINT = 2n ** 63n - 1n;

/** Where the journal counted an event. */
const placeOf = ({ source, sequence }: ScanEvent, sourceIds: SourceIds): object => ({
  sourceId: sourceIds.get(storableText(source)),
  sequence: BigInt(sequence) <= MAX_BIGINT ? sequence : undefined,
});

function toScanRow(scan: RecordedScan, sourceIds: SourceIds): object {
  const { id, data } = scan;
  const row: Record<string, unknown> = { ...data, id, at: Date.parse(data.at), countedAs: classifyScan(data) };
  for (const name of TEXTS) {
    const text = data[name];
    if (text !== undefined) row[name] = storableText(text);
  }
  return Object.assign(row, placeOf(scan, sourceIds));
}
/** What the schema does not bound. */
const TEXTS = [
  'slug',
  'visitor',
  'ip',
  'country',
  'region',
  'city',
  'os',
  'browser',
  'language',
  'referrerHost',
] as const;

const toFoldedRow = (event: FoldedScan | GuessingEvent): object =>
  event.type === 'scan.folded'
    ? { ...event.data, hour: startOfHour(event.data.hour) }
    : { outcome: 'guessing', count: 0, hour: startOfHour(event.data.to) };

/** As `insertScans`. */
export async function insertFolded(
  manager: EntityManager,
  folded: readonly (FoldedScan | GuessingEvent)[],
  sourceIds: SourceIds,
): Promise<Set<string>> {
  if (folded.length === 0) return new Set();
  const rows: { id: string }[] = await manager.query(
    `INSERT INTO analytics.folded_scans (id, workspace_id, code_id, hour, outcome, bot, count, source_id,
       sequence)
     SELECT id, "workspaceId", "codeId", to_timestamp(hour / 1000), outcome, COALESCE(bot, false), count, "sourceId",
       sequence
     FROM json_to_recordset($1) AS folded (id uuid, "workspaceId" uuid, "codeId" uuid, hour float8, outcome text,
       bot boolean, count bigint, "sourceId" int, sequence bigint)
     ON CONFLICT (id) DO NOTHING RETURNING id`,
    [
      asJson(
        folded.map((event) => ({
          ...toFoldedRow(event),
          id: event.id,
          ...placeOf(event, sourceIds),
        })),
      ),
    ],
  );
  return new Set(rows.map(({ id }) => id));
}
