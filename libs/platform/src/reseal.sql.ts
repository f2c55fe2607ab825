import type { EntityManager } from 'typeorm';
import type { SealedColumn } from './reseal.js';

export interface SealedSecret {
  id: string;
  workspaceId: string;
  sealed: Buffer;
}

/** Those after `afterId`. */
export function readSealed(
  manager: EntityManager,
  { table, column, workspaceId }: SealedColumn,
  { afterId, limit }: { afterId: string; limit: number },
): Promise<SealedSecret[]> {
  return manager.query(
    `SELECT id, ${workspaceId} AS "workspaceId", ${column} AS sealed FROM ${table}
     WHERE ${column} IS NOT NULL AND id > $1 ORDER BY id LIMIT $2`,
    [afterId, limit],
  );
}

/** Changes a secret only where it is still the one that was read: whoever ended it meanwhile wins. */
export async function replaceSealed(
  manager: EntityManager,
  { table, column }: SealedColumn,
  secret: SealedSecret,
  sealed: Buffer,
): Promise<boolean> {
  const [, count]: [unknown, number] = await manager.query(
    `UPDATE ${table} SET ${column} = $3 WHERE id = $1 AND ${column} = $2`,
    [secret.id, secret.sealed, sealed],
  );
  return count === 1;
}

export async function countSealed(manager: EntityManager, { table, column }: SealedColumn): Promise<number> {
  const [row]: { count: number }[] = await manager.query(
    `SELECT count(*)::int AS count FROM ${table} WHERE ${column} IS NOT NULL`,
  );
  return row?.count ?? 0;
}
