import type { SavedFilter } from '@signet/contracts';
import type { EntityManager } from 'typeorm';

const COLUMNS = 'id, name, query, version, created_at, updated_at, created_by';

interface SavedFilterRow {
  id: string;
  name: string;
  query: SavedFilter['query'];
  version: number;
  created_at: Date;
  updated_at: Date;
  created_by: string;
}
const toSavedFilter = (row: SavedFilterRow): SavedFilter => ({
  id: row.id,
  name: row.name,
  query: row.query,
  version: row.version,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
  createdBy: row.created_by,
});

/** @returns whether it was stored; false when another one has its name */
export async function insertSavedFilter(
  manager: EntityManager,
  workspaceId: string,
  filter: SavedFilter,
): Promise<boolean> {
  const rows: unknown[] = await manager.query(
    `INSERT INTO codes.saved_filters (id, workspace_id, name, query, version, created_at, updated_at, created_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (workspace_id, name) DO NOTHING RETURNING id`,
    [
      filter.id,
      workspaceId,
      filter.name,
      JSON.stringify(filter.query),
      filter.version,
      filter.createdAt,
      filter.updatedAt,
      filter.createdBy,
    ],
  );
  return rows.length > 0;
}

export async function findSavedFilter(
  manager: EntityManager,
  workspaceId: string,
  id: string,
): Promise<SavedFilter | undefined> {
  const [row]: SavedFilterRow[] = await manager.query(
    `SELECT ${COLUMNS} FROM codes.saved_filters WHERE workspace_id = $1 AND id = $2`,
    [workspaceId, id],
  );
  return row && toSavedFilter(row);
}

export async function lockSavedFilter(
  manager: EntityManager,
  workspaceId: string,
  id: string,
): Promise<SavedFilter | undefined> {
  const [row]: SavedFilterRow[] = await manager.query(
    `SELECT ${COLUMNS} FROM codes.saved_filters WHERE workspace_id = $1 AND id = $2 FOR UPDATE`,
    [workspaceId, id],
  );
  return row && toSavedFilter(row);
}

/** By name. */
export async function listSavedFilters(
  manager: EntityManager,
  workspaceId: string,
  { afterName, limit }: { afterName: string | undefined; limit: number },
): Promise<SavedFilter[]> {
  const rows: SavedFilterRow[] = await manager.query(
    `SELECT ${COLUMNS} FROM codes.saved_filters
     WHERE workspace_id = $1 AND ($2::text IS NULL OR name > $2) ORDER BY name LIMIT $3`,
    [workspaceId, afterName ?? null, limit],
  );
  return rows.map(toSavedFilter);
}

export async function countSavedFilters(manager: EntityManager, workspaceId: string): Promise<number> {
  const [row]: { count: number }[] = await manager.query(
    'SELECT count(*)::int AS count FROM codes.saved_filters WHERE workspace_id = $1',
    [workspaceId],
  );
  return row?.count ?? 0;
}

/** Fails with a unique violation when another one of the workspace has the name. */
export async function updateSavedFilter(
  manager: EntityManager,
  { id, name, query, version, updatedAt }: SavedFilter,
): Promise<void> {
  await manager.query(
    'UPDATE codes.saved_filters SET name = $2, query = $3, version = $4, updated_at = $5 WHERE id = $1',
    [id, name, JSON.stringify(query), version, updatedAt],
  );
}

export async function deleteSavedFilter(manager: EntityManager, id: string): Promise<void> {
  await manager.query('DELETE FROM codes.saved_filters WHERE id = $1', [id]);
}
