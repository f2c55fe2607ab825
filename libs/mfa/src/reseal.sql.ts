import type { EntityManager } from 'typeorm';

/** A sealed secret, with what it is bound to. */
export interface SealedSecret {
  id: string;
  workspaceId: string;
  secret: Buffer;
}

/** The factors after `afterId` that have a secret. */
export function readSealedSecrets(
  manager: EntityManager,
  { afterId, limit }: { afterId: string; limit: number },
): Promise<SealedSecret[]> {
  return manager.query(
    `SELECT id, workspace_id AS "workspaceId", secret FROM mfa.factors
     WHERE secret IS NOT NULL AND id > $1 ORDER BY id LIMIT $2`,
    [afterId, limit],
  );
}

/** Changes a secret only where it is still the one that was read: whoever ended the factor meanwhile wins. */
export async function replaceSecret(
  manager: EntityManager,
  { id, secret }: SealedSecret,
  sealed: Buffer,
): Promise<boolean> {
  const [, count]: [unknown, number] = await manager.query(
    'UPDATE mfa.factors SET secret = $3 WHERE id = $1 AND secret = $2',
    [id, secret, sealed],
  );
  return count === 1;
}

export async function countSealedSecrets(manager: EntityManager): Promise<number> {
  const [row]: { count: number }[] = await manager.query(
    'SELECT count(*)::int AS count FROM mfa.factors WHERE secret IS NOT NULL',
  );
  return row?.count ?? 0;
}

/** Unused recovery codes whose hash was made with none of the keys `keyIds`. */
export async function countForeignCodes(manager: EntityManager, keyIds: readonly string[]): Promise<number> {
  const [row]: { count: number }[] = await manager.query(
    'SELECT count(*)::int AS count FROM mfa.recovery_codes WHERE used_at IS NULL AND key_id <> ALL($1)',
    [keyIds],
  );
  return row?.count ?? 0;
}
