import type { EntityManager } from 'typeorm';
import type { StoredFile } from './file.js';

const COLUMNS = `id, workspace_id, object_id, name, content_type, bytes, sha256, revision, created_at, updated_at,
  created_by`;

interface FileRow {
  id: string;
  workspace_id: string;
  object_id: string;
  name: string;
  content_type: string;
  bytes: string;
  sha256: Buffer;
  revision: number;
  created_at: Date;
  updated_at: Date;
  created_by: string;
}

const toStoredFile = (row: FileRow): StoredFile => ({
  id: row.id,
  workspaceId: row.workspace_id,
  objectId: row.object_id,
  name: row.name,
  contentType: row.content_type,
  bytes: Number(row.bytes),
  sha256: row.sha256.toString('hex'),
  revision: row.revision,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
  createdBy: row.created_by,
});

export async function insertFile(manager: EntityManager, file: StoredFile): Promise<void> {
  await manager.query(`INSERT INTO files.files (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, [
    file.id,
    file.workspaceId,
    file.objectId,
    file.name,
    file.contentType,
    file.bytes,
    Buffer.from(file.sha256, 'hex'),
    file.revision,
    file.createdAt,
    file.updatedAt,
    file.createdBy,
  ]);
}

/** Stores the next revision of a locked file. */
export async function updateFile(manager: EntityManager, file: StoredFile): Promise<void> {
  await manager.query(
    `UPDATE files.files SET object_id = $2, name = $3, content_type = $4, bytes = $5, sha256 = $6, revision = $7,
       updated_at = $8
     WHERE id = $1`,
    [
      file.id,
      file.objectId,
      file.name,
      file.contentType,
      file.bytes,
      Buffer.from(file.sha256, 'hex'),
      file.revision,
      file.updatedAt,
    ],
  );
}

export async function deleteFile(manager: EntityManager, id: string): Promise<void> {
  await manager.query('DELETE FROM files.files WHERE id = $1', [id]);
}

export interface FileKey {
  workspaceId: string;
  id: string;
}

/** @returns undefined also for another workspace's file */
export async function findFile(manager: EntityManager, { workspaceId, id }: FileKey): Promise<StoredFile | undefined> {
  const [row]: FileRow[] = await manager.query(
    `SELECT ${COLUMNS} FROM files.files WHERE id = $1 AND workspace_id = $2`,
    [id, workspaceId],
  );
  return row && toStoredFile(row);
}

/** The file, which nobody changes or begins to give until the transaction ends. */
export async function lockFile(manager: EntityManager, { workspaceId, id }: FileKey): Promise<StoredFile | undefined> {
  const [row]: FileRow[] = await manager.query(
    `SELECT ${COLUMNS} FROM files.files WHERE id = $1 AND workspace_id = $2 FOR UPDATE`,
    [id, workspaceId],
  );
  return row && toStoredFile(row);
}

/** Its media type; the file cannot be deleted until the transaction ends. */
export async function keepFile(manager: EntityManager, { workspaceId, id }: FileKey): Promise<string | undefined> {
  const [row]: { content_type: string }[] = await manager.query(
    'SELECT content_type FROM files.files WHERE id = $1 AND workspace_id = $2 FOR KEY SHARE',
    [id, workspaceId],
  );
  return row?.content_type;
}

export interface ListPosition {
  createdAt: string;
  id: string;
}

/** Newest first. @param part of the name, in any case */
export async function listFiles(
  manager: EntityManager,
  { workspaceId, after, part, limit }: { workspaceId: string; after?: ListPosition; part?: string; limit: number },
): Promise<StoredFile[]> {
  const pattern = part === undefined ? null : `%${part.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
  const rows: FileRow[] = await manager.query(
    `SELECT ${COLUMNS} FROM files.files
     WHERE workspace_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2::timestamptz, $3::uuid))
       AND ($4::text IS NULL OR name ILIKE $4)
     ORDER BY created_at DESC, id DESC LIMIT $5`,
    [workspaceId, after?.createdAt ?? null, after?.id ?? null, pattern, limit],
  );
  return rows.map(toStoredFile);
}
