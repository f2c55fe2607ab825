import type { Scan } from '@signet/contracts';
import type { EntityManager } from 'typeorm';

export interface ScanFilter {
  workspaceId: string;
  codeId?: string;
  from?: string;
  to?: string;
  /** The last row of the page before. */
  past?: [at: string, id: string];
  order: 'newest' | 'oldest';
  limit: number;
}

type Nullable<Value> = { [Field in keyof Value]-?: Exclude<Value[Field], undefined> | null };
type ScanRow = Nullable<Omit<Scan, 'at' | 'codeVersion' | 'targetIndex'>> &
  Pick<Scan, 'id' | 'outcome' | 'bot' | 'preview'> & {
    at: Date;
    codeVersion: string | null;
    targetIndex: string | null;
  };

export async function listScans(
  manager: EntityManager,
  { workspaceId, codeId, from, to, past, order, limit }: ScanFilter,
): Promise<Scan[]> {
  const [compare, direction] = order === 'newest' ? ['<', 'DESC'] : ['>', 'ASC'];
  const rows: ScanRow[] = await manager.query(
    `SELECT id, workspace_id AS "workspaceId", code_id AS "codeId", at, outcome, bot, preview, slug,
       code_version AS "codeVersion", target_index AS "targetIndex", visitor, ip, country, region, city,
       device_type AS "deviceType", os, browser, language, referrer_host AS "referrerHost"
     FROM analytics.scans
     WHERE workspace_id = $1 AND ($2::uuid IS NULL OR code_id = $2)
       AND ($3::timestamptz IS NULL OR at >= $3) AND ($4::timestamptz IS NULL OR at < $4)
       AND ($5::timestamptz IS NULL OR (at, id) ${compare} ($5, $6::uuid))
     ORDER BY at ${direction}, id ${direction} LIMIT $7`,
    [workspaceId, codeId ?? null, from ?? null, to ?? null, past?.[0] ?? null, past?.[1] ?? null, limit],
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
