import type { EntityManager } from 'typeorm';

/** The files that a code gives from now on. */
export interface FileUses {
  codeId: string;
  /** None: the code gives none any more, or has ended. */
  fileIds: readonly string[];
}

/** In the transaction that changes the codes, each at most once, after `checkUsable` of their files. */
export async function storeFileUses(manager: EntityManager, uses: readonly FileUses[]): Promise<void> {
  if (uses.length === 0) return;
  await manager.query('DELETE FROM files.uses WHERE code_id = ANY($1)', [uses.map(({ codeId }) => codeId)]);
  const pairs = uses.flatMap(({ codeId, fileIds }) => [...new Set(fileIds)].map((fileId) => ({ codeId, fileId })));
  if (pairs.length === 0) return;
  await manager.query(
    `INSERT INTO files.uses (code_id, file_id)
     SELECT "codeId", "fileId" FROM jsonb_to_recordset($1::jsonb) AS pair ("codeId" uuid, "fileId" uuid)`,
    [JSON.stringify(pairs)],
  );
}

export async function countFileUses(manager: EntityManager, fileId: string): Promise<number> {
  const [row]: { uses: number }[] = await manager.query(
    'SELECT count(*)::int AS uses FROM files.uses WHERE file_id = $1',
    [fileId],
  );
  return row?.uses ?? 0;
}
