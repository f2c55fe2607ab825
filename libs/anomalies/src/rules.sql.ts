import type { EntityManager } from 'typeorm';

export interface StoredRules {
  workspaceId: string;
  version: number;
  /** As they were written: a later version of Signet may know more. */
  rules: unknown;
  changedAt: Date;
  changedBy: string;
}

const COLUMNS = `workspace_id AS "workspaceId", version, rules, changed_at AS "changedAt", changed_by AS "changedBy"`;

/** Those in force, of each workspace that has changed any. */
export function readRules(manager: EntityManager, workspaceIds: readonly string[]): Promise<StoredRules[]> {
  return manager.query(
    `SELECT DISTINCT ON (workspace_id) ${COLUMNS} FROM analytics.anomaly_rules
     WHERE workspace_id = ANY($1::uuid[]) ORDER BY workspace_id, version DESC`,
    [workspaceIds],
  );
}

/** @returns false when that version was made meanwhile */
export async function insertRules(
  manager: EntityManager,
  { workspaceId, version, rules, changedAt, changedBy }: StoredRules,
): Promise<boolean> {
  const rows: unknown[] = await manager.query(
    `INSERT INTO analytics.anomaly_rules (workspace_id, version, rules, changed_at, changed_by)
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING version`,
    [workspaceId, version, JSON.stringify(rules), changedAt, changedBy],
  );
  return rows.length > 0;
}

/** Newest first. */
export function listRules(
  manager: EntityManager,
  workspaceId: string,
  { before, limit }: { before: number | undefined; limit: number },
): Promise<StoredRules[]> {
  return manager.query(
    `SELECT ${COLUMNS} FROM analytics.anomaly_rules WHERE workspace_id = $1 AND ($2::int IS NULL OR version < $2)
     ORDER BY version DESC LIMIT $3`,
    [workspaceId, before ?? null, limit],
  );
}
