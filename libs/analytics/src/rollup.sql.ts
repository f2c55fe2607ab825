import type { ScanEvent } from '@signet/contracts';
import type { EntityManager } from 'typeorm';
import { startOfHour, type HourRow, type MinuteRow } from './rollup.js';
import { classifyScan, storableText } from './scan-facts.js';

export type RecordedScan = Extract<ScanEvent, { type: 'scan.recorded' }>;
export type FoldedScan = Extract<ScanEvent, { type: 'scan.folded' }>;

export interface PartitionOfLog {
  logId: string;
  group: string;
  topic: string;
  partition: number;
}

/** Locks the partition to the end of the transaction, so that a second writer of it waits. @returns the next offset */
export async function lockOffset(
  manager: EntityManager,
  { logId, group, topic, partition }: PartitionOfLog,
): Promise<bigint> {
  const [row]: { next_offset: string }[] = await manager.query(
    `INSERT INTO analytics.consumer_offsets AS o (log_id, consumer_group, topic, partition, next_offset)
     VALUES ($1, $2, $3, $4, 0)
     ON CONFLICT (log_id, consumer_group, topic, partition) DO UPDATE SET next_offset = o.next_offset
     RETURNING next_offset`,
    [logId, group, topic, partition],
  );
  return BigInt(row?.next_offset ?? 0);
}

export async function advanceOffset(
  manager: EntityManager,
  { logId, group, topic, partition }: PartitionOfLog,
  nextOffset: bigint,
): Promise<void> {
  await manager.query(
    `UPDATE analytics.consumer_offsets SET next_offset = $5
     WHERE log_id = $1 AND consumer_group = $2 AND topic = $3 AND partition = $4`,
    [logId, group, topic, partition, nextOffset.toString()],
  );
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
export async function insertScans(manager: EntityManager, scans: readonly RecordedScan[]): Promise<Set<string>> {
  if (scans.length === 0) return new Set();
  const rows: { id: string }[] = await manager.query(
    `INSERT INTO analytics.scans (id, workspace_id, code_id, at, counted_as, outcome, bot, preview, slug, code_version,
       target_index, visitor, ip, country, region, city, device_type, os, browser, language, referrer_host)
     SELECT id, "workspaceId", "codeId", to_timestamp(at / 1000), "countedAs", outcome, bot, preview, slug, "codeVersion",
       "targetIndex", visitor, ip, country, region, city, "deviceType", os, browser, language, "referrerHost"
     FROM json_to_recordset($1) AS scan (id uuid, "workspaceId" uuid, "codeId" uuid, at float8, "countedAs" text,
       outcome text, bot boolean, preview boolean, slug text, "codeVersion" bigint, "targetIndex" bigint, visitor text,
       ip text, country text, region text, city text, "deviceType" text, os text, browser text, language text,
       "referrerHost" text)
     ON CONFLICT (id) DO NOTHING RETURNING id`,
    [asJson(scans.map(toScanRow))],
  );
  return new Set(rows.map(({ id }) => id));
}

function toScanRow({ id, data }: RecordedScan): object {
  const fields = Object.entries(data).map(([name, value]) => [
    name,
    typeof value === 'string' ? storableText(value) : value,
  ]);
  return { ...Object.fromEntries(fields), id, at: Date.parse(data.at), countedAs: classifyScan(data) };
}

/** As `insertScans`. */
export async function insertFolded(manager: EntityManager, folded: readonly FoldedScan[]): Promise<Set<string>> {
  if (folded.length === 0) return new Set();
  const rows: { id: string }[] = await manager.query(
    `INSERT INTO analytics.folded_scans (id, workspace_id, code_id, hour, outcome, count)
     SELECT id, "workspaceId", "codeId", to_timestamp(hour / 1000), outcome, count
     FROM json_to_recordset($1) AS folded (id uuid, "workspaceId" uuid, "codeId" uuid, hour float8, outcome text,
       count bigint)
     ON CONFLICT (id) DO NOTHING RETURNING id`,
    [asJson(folded.map(({ id, data }) => ({ ...data, id, hour: startOfHour(data.hour) })))],
  );
  return new Set(rows.map(({ id }) => id));
}

/** @param rows one a key, in the order of the keys */
export async function addToMinutes(manager: EntityManager, rows: readonly MinuteRow[]): Promise<void> {
  if (rows.length === 0) return;
  await manager.query(
    `INSERT INTO analytics.rollups_minute AS r (code_id, bucket, workspace_id, scans, bots, refused)
     SELECT "codeId", to_timestamp(bucket / 1000), "workspaceId", scans, bots, refused
     FROM json_to_recordset($1) AS added ("codeId" uuid, bucket float8, "workspaceId" uuid, scans bigint, bots bigint,
       refused bigint)
     ON CONFLICT (code_id, bucket) DO UPDATE
     SET scans = r.scans + excluded.scans, bots = r.bots + excluded.bots, refused = r.refused + excluded.refused`,
    [asJson(rows)],
  );
}

/** @param rows one a key, in the order of the keys */
export async function addToHours(manager: EntityManager, rows: readonly HourRow[]): Promise<void> {
  if (rows.length === 0) return;
  await manager.query(
    `INSERT INTO analytics.rollups_hour AS r (code_id, bucket, dimension, value, workspace_id, scans)
     SELECT "codeId", to_timestamp(bucket / 1000), dimension, value, "workspaceId", scans
     FROM json_to_recordset($1) AS added ("codeId" uuid, bucket float8, dimension text, value text,
       "workspaceId" uuid, scans bigint)
     ON CONFLICT (code_id, bucket, dimension, value) DO UPDATE SET scans = r.scans + excluded.scans`,
    [asJson(rows)],
  );
}
