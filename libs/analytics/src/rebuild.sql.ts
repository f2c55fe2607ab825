import type { ScanData } from '@signet/contracts';
import type { EntityManager } from 'typeorm';
import type { FoldedScans } from './rollup.js';

export type CountableScan = ScanData & { id: string };

type Nullable<Value> = { [Field in keyof Value]-?: Exclude<Value[Field], undefined> | null };
type Row = Pick<CountableScan, 'id' | 'outcome' | 'bot' | 'preview'> &
  Nullable<Omit<ScanData, 'at' | 'outcome' | 'bot' | 'preview' | 'slug' | 'codeVersion' | 'ip' | 'region'>> & {
    at: Date;
  };

/**
 * The scans of a time that belong to a code, in the order of their ids.
 * @param past the last id of the page before
 */
export async function readCountableScans(
  manager: EntityManager,
  { from, to, past, limit }: { from: Date; to: Date; past?: string; limit: number },
): Promise<CountableScan[]> {
  const rows: Row[] = await manager.query(
    `SELECT id, workspace_id AS "workspaceId", code_id AS "codeId", at, outcome, bot, preview, visitor, country, city,
       device_type AS "deviceType", os, browser, language, referrer_host AS "referrerHost",
       target_index::float8 AS "targetIndex"
     FROM analytics.scans
     WHERE at >= $1 AND at < $2 AND code_id IS NOT NULL AND workspace_id IS NOT NULL AND ($3::uuid IS NULL OR id > $3)
     ORDER BY id LIMIT $4`,
    [from, to, past ?? null, limit],
  );
  return rows.map(({ id, at, outcome, bot, preview, ...rest }) => ({
    id,
    at: at.toISOString(),
    outcome,
    bot,
    preview,
    workspaceId: rest.workspaceId ?? undefined,
    codeId: rest.codeId ?? undefined,
    visitor: rest.visitor ?? undefined,
    country: rest.country ?? undefined,
    city: rest.city ?? undefined,
    deviceType: rest.deviceType ?? undefined,
    os: rest.os ?? undefined,
    browser: rest.browser ?? undefined,
    language: rest.language ?? undefined,
    referrerHost: rest.referrerHost ?? undefined,
    targetIndex: rest.targetIndex ?? undefined,
  }));
}

export async function readFoldedScans(manager: EntityManager, from: Date, to: Date): Promise<FoldedScans[]> {
  const rows: (Omit<FoldedScans, 'hour'> & { hour: Date })[] = await manager.query(
    `SELECT workspace_id AS "workspaceId", code_id AS "codeId", hour, outcome, bot, count::float8 AS count
     FROM analytics.folded_scans WHERE hour >= $1 AND hour < $2 AND code_id IS NOT NULL AND workspace_id IS NOT NULL`,
    [from, to],
  );
  return rows.map((row) => ({ ...row, hour: row.hour.toISOString() }));
}

/** What all workspaces counted on a UTC day. */
export async function readDayTotal(manager: EntityManager, day: Date): Promise<number> {
  const [row]: { total: number }[] = await manager.query(
    `SELECT COALESCE(sum(scans + bots + refused + opened), 0)::float8 AS total FROM analytics.rollups_day
     WHERE bucket = $1 AND scope_id = workspace_id`,
    [day],
  );
  return row?.total ?? 0;
}

/** A UTC day that waits for its rollups to be made anew; the oldest. */
export async function nextDayToRebuild(manager: EntityManager): Promise<Date | undefined> {
  const [row]: { day: Date }[] = await manager.query(
    'SELECT day FROM analytics.days_to_rebuild WHERE isfinite(day) ORDER BY day LIMIT 1',
  );
  return row?.day;
}

export async function dayWasRebuilt(manager: EntityManager, day: Date): Promise<void> {
  await manager.query('DELETE FROM analytics.days_to_rebuild WHERE day = $1', [day]);
}

export async function readDaysToRebuild(manager: EntityManager): Promise<number> {
  const [row]: { days: number }[] = await manager.query(
    'SELECT count(*)::float8 AS days FROM analytics.days_to_rebuild WHERE isfinite(day)',
  );
  return row?.days ?? 0;
}
