import type { ScanData, VerificationData } from '@signet/contracts';
import type { EntityManager } from 'typeorm';
import type { Scan } from './code-profile.js';
import type { Attempt } from './subject-profile.js';

export interface HistoryPage {
  workspaceId: string;
  from: Date;
  to: Date;
  codeIds?: readonly string[];
  /** The last one of the page before. */
  past?: { at: number; id: string };
  limit: number;
}

/** Position in time with what the row's clock has of it, whole microseconds. */
const AFTER = `($4::float8 IS NULL OR (at, id) > (to_timestamp($4 / 1000), $5::uuid))`;

type ScanRow = Pick<ScanData, 'outcome' | 'bot' | 'preview'> & {
  id: string;
  at: Date;
  codeId: string;
  slug: string | null;
  ip: string | null;
  country: string | null;
};

/** People's scans of codes, oldest first. */
export async function readScans(
  manager: EntityManager,
  { workspaceId, from, to, codeIds, past, limit }: HistoryPage,
): Promise<Scan[]> {
  const rows: ScanRow[] = await manager.query(
    `SELECT id, at, code_id AS "codeId", outcome, bot, preview, slug, ip, country FROM analytics.scans
     WHERE workspace_id = $1 AND at >= $2 AND at < $3 AND ${AFTER} AND code_id IS NOT NULL AND NOT bot AND NOT preview
       AND ($6::uuid[] IS NULL OR code_id = ANY($6)) ORDER BY at, id LIMIT $7`,
    [workspaceId, from, to, past?.at ?? null, past?.id ?? null, codeIds ?? null, limit],
  );
  return rows.map(({ id, at, codeId, slug, ip, country, ...data }) => ({
    id,
    at: at.getTime(),
    codeId,
    workspaceId,
    data: {
      ...data,
      at: at.toISOString(),
      ...(slug !== null && { slug }),
      ...(ip !== null && { ip }),
      ...(country !== null && { country }),
    },
  }));
}

/** Oldest first. */
export async function readAttempts(
  manager: EntityManager,
  { workspaceId, from, to, past, limit }: HistoryPage,
): Promise<Attempt[]> {
  const rows: { id: string; at: Date; data: VerificationData }[] = await manager.query(
    `SELECT id, at, data FROM analytics.verifications WHERE workspace_id = $1 AND at >= $2 AND at < $3 AND ${AFTER}
     ORDER BY at, id LIMIT $6`,
    [workspaceId, from, to, past?.at ?? null, past?.id ?? null, limit],
  );
  return rows.map(({ id, at, data }) => ({ id, at: at.getTime(), data }));
}
