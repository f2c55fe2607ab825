import { hashOfCode, labelsOfCodes, type LabelKind } from '@signet/codes';
import type { EntityManager } from 'typeorm';
import { SETTLED_INTERVALS, type SettledInterval } from './label-windows.sql.js';
import { tables } from './rollup.sql.js';

/** Of a label with fewer codes, the windows of its codes are soon added up when somebody asks. */
export const LEAST_CODES = 50;

/**
 * One process at a time adds up, to the end of the transaction: between two statements of it nobody else changes under
 * which labels a code is added up.
 */
export async function tryLockLabels(manager: EntityManager): Promise<boolean> {
  const [row]: { locked: boolean }[] = await manager.query(
    `SELECT pg_try_advisory_xact_lock(hashtextextended('label windows', 0)) AS locked`,
  );
  return row?.locked ?? false;
}

/** Codes whose windows are looked through in one statement. */
const ADOPTED_AT_ONCE = 2000;

/**
 * Takes over which labels the codes of a workspace have today. Where a code that came or went was scanned, the label's
 * window is stale from here on.
 * @returns whether there may be more
 */
export async function adoptLabels(manager: EntityManager, workspaceId: string): Promise<boolean> {
  await manager.query(
    `INSERT INTO analytics.labels (workspace_id, kind, value)
     SELECT $1::uuid, kind, value FROM (${labelsOfCodes}) AS has
     WHERE NOT EXISTS (SELECT FROM analytics.labels l
       WHERE l.workspace_id = $1 AND l.kind = has.kind AND l.value = has.value)
     GROUP BY kind, value HAVING count(*) >= $2`,
    [workspaceId, LEAST_CODES],
  );
  const touched = (interval: SettledInterval): string =>
    `SELECT m.label_id, s.interval, s.bucket FROM moved m
     JOIN LATERAL (SELECT bucket FROM ${tables[interval]} r WHERE r.scope_id = m.code_id OFFSET 0) AS r ON true
     JOIN analytics.settled_windows s ON s.workspace_id = $1 AND s.interval = '${interval}' AND s.bucket = r.bucket`;
  const [row]: { changed: number }[] = await manager.query(
    `WITH today AS (
       SELECT has.code_id, array_agg(l.id ORDER BY l.id) AS labels FROM (${labelsOfCodes}) AS has
       JOIN analytics.labels l ON l.workspace_id = $1 AND l.kind = has.kind AND l.value = has.value
       GROUP BY has.code_id
     ), changed AS MATERIALIZED (
       SELECT code_id, COALESCE(today.labels, '{}') AS labels, COALESCE(before.labels, '{}') AS before
       FROM today FULL JOIN (SELECT code_id, labels FROM analytics.code_labels WHERE workspace_id = $1) AS before
         USING (code_id)
       WHERE COALESCE(today.labels, '{}') <> COALESCE(before.labels, '{}')
       -- Where nothing is added up, nothing is to be looked through.
       LIMIT CASE WHEN EXISTS (SELECT FROM analytics.settled_windows WHERE workspace_id = $1) THEN $2::int END
     ), moved AS (
       SELECT code_id, label_id FROM changed, LATERAL (
         (SELECT unnest(labels) EXCEPT SELECT unnest(before)) UNION ALL
         (SELECT unnest(before) EXCEPT SELECT unnest(labels))) AS difference (label_id)
       WHERE EXISTS (SELECT FROM analytics.settled_windows WHERE workspace_id = $1)
     ), marked AS (
       INSERT INTO analytics.label_windows
         (label_id, interval, bucket, stale, scans, bots, refused, counts, top_codes, top_scans,
          others_most)
       SELECT label_id, interval, bucket, true, 0, 0, 0, '{}', '{}', '{}', 0
       FROM (${SETTLED_INTERVALS.map(touched).join(' UNION ')}) AS touched
       ON CONFLICT (label_id, interval, bucket) DO UPDATE SET stale = true
     ), adopted AS (
       INSERT INTO analytics.code_labels (code_id, workspace_id, labels) SELECT code_id, $1, labels FROM changed
       ON CONFLICT (code_id) DO UPDATE SET labels = excluded.labels
     )
     SELECT count(*)::int AS changed FROM changed`,
    [workspaceId, ADOPTED_AT_ONCE],
  );
  if (row?.changed === 0) return false;
  await manager.query(
    `UPDATE analytics.labels l SET members = counted.members FROM (
       SELECT l.id, COALESCE(sum(${hashOfCode('k.code_id')}), 0) AS members FROM analytics.labels l
       LEFT JOIN (SELECT code_id, unnest(labels) AS id FROM analytics.code_labels WHERE workspace_id = $1) AS k USING (id)
       WHERE l.workspace_id = $1 GROUP BY l.id
     ) AS counted WHERE l.id = counted.id AND l.members <> counted.members`,
    [workspaceId],
  );
  return row?.changed === ADOPTED_AT_ONCE;
}

/** @returns undefined when the label's windows are not added up; `members`: the sum of `hashOfCode` of its codes */
export async function findLabel(
  manager: EntityManager,
  workspaceId: string,
  { kind, value }: { kind: LabelKind; value: string },
): Promise<{ id: number; members: string } | undefined> {
  const [row]: { id: number; members: string }[] = await manager.query(
    'SELECT id, members::text AS members FROM analytics.labels WHERE workspace_id = $1 AND kind = $2 AND value = $3',
    [workspaceId, kind, value],
  );
  return row;
}

/** @returns the codes that have come to the label or gone from it since `adoptLabels`, at most `limit` */
export async function findMovedCodes(
  manager: EntityManager,
  { labelId, codes, limit }: { labelId: number; codes: readonly string[]; limit: number },
): Promise<string[]> {
  const rows: { id: string }[] = await manager.query(
    `WITH today AS MATERIALIZED (SELECT unnest($2::uuid[]) AS id),
       adopted AS MATERIALIZED (SELECT code_id AS id FROM analytics.code_labels WHERE labels @> ARRAY[$1::int])
     (SELECT id FROM today EXCEPT SELECT id FROM adopted) UNION ALL (SELECT id FROM adopted EXCEPT SELECT id FROM today)
     LIMIT $3`,
    [labelId, codes, limit],
  );
  return rows.map(({ id }) => id);
}
