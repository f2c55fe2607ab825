import type { EntityManager } from 'typeorm';
import type { LabelChange, LabelKind } from './labels.js';

/** In the transaction of the changes of codes. Appended, because a count would make calls with a common tag wait. */
export async function appendLabelChanges(manager: EntityManager, changes: readonly LabelChange[]): Promise<void> {
  if (changes.length === 0) return;
  await manager.query(
    `INSERT INTO codes.label_changes (workspace_id, kind, name, codes)
     SELECT "workspaceId", kind, name, codes
     FROM jsonb_to_recordset($1::jsonb) AS change ("workspaceId" uuid, kind text, name text, codes int)`,
    [JSON.stringify(changes)],
  );
}

/** One instance at a time; freed with the transaction. */
export async function tryLockLabels(manager: EntityManager): Promise<boolean> {
  const [row]: { locked: boolean }[] = await manager.query(
    `SELECT pg_try_advisory_xact_lock(hashtextextended('label counts', 0)) AS locked`,
  );
  return row?.locked ?? false;
}

/** Adds changes to the counts. @returns how many changes it took */
export async function foldLabelChanges(manager: EntityManager, limit: number): Promise<number> {
  const [row]: { taken: number }[] = await manager.query(
    `WITH taken AS (
       DELETE FROM codes.label_changes WHERE id IN (SELECT id FROM codes.label_changes ORDER BY id LIMIT $1)
       RETURNING workspace_id, kind, name, codes
     ), folded AS (
       INSERT INTO codes.labels AS label (workspace_id, kind, name, codes)
       SELECT workspace_id, kind, name, sum(codes) FROM taken GROUP BY workspace_id, kind, name
       ON CONFLICT (workspace_id, kind, name) DO UPDATE SET codes = label.codes + excluded.codes
     )
     SELECT count(*)::int AS taken FROM taken`,
    [limit],
  );
  return row?.taken ?? 0;
}

/** Labels that codes have, by name, after `afterName`; with what is not folded yet. @param prefix of the name, in any case */
export async function listLabels(
  manager: EntityManager,
  { workspaceId, kind, prefix }: { workspaceId: string; kind: LabelKind; prefix: string | undefined },
  { afterName, limit }: { afterName: string | undefined; limit: number },
): Promise<{ name: string; codes: number }[]> {
  const pattern = prefix === undefined ? null : `${prefix.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
  const rows: { name: string; codes: number }[] = await manager.query(
    `SELECT name, sum(codes)::int AS codes FROM (
       SELECT name, codes FROM codes.labels WHERE workspace_id = $1 AND kind = $2
       UNION ALL
       SELECT name, codes FROM codes.label_changes WHERE workspace_id = $1 AND kind = $2
     ) AS label
     WHERE ($3::text IS NULL OR name > $3) AND ($4::text IS NULL OR lower(name) LIKE lower($4))
     GROUP BY name HAVING sum(codes) > 0 ORDER BY name LIMIT $5`,
    [workspaceId, kind, afterName ?? null, pattern, limit],
  );
  return rows;
}
