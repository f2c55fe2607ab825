import type { ApiKey, Scope } from '@signet/contracts';
import type { EntityManager } from 'typeorm';

export interface StoredApiKey {
  id: string;
  workspaceId: string;
  workspace: string;
  name: string;
  scopes: Scope[];
  /** The workspace's own limit; 0: none; null: the installation's. */
  writesPerMinute: number | null;
}

interface ApiKeyRow {
  id: string;
  name: string;
  scopes: Scope[];
  prefix: string;
  created_at: Date;
  expires_at: Date | null;
  last_used_at: Date | null;
}

const toApiKey = (row: ApiKeyRow): ApiKey => ({
  id: row.id,
  name: row.name,
  scopes: row.scopes,
  prefix: row.prefix,
  createdAt: row.created_at.toISOString(),
  expiresAt: row.expires_at?.toISOString() ?? null,
  lastUsedAt: row.last_used_at?.toISOString() ?? null,
});

/** The key by its hash, unless it is revoked or has expired; notes its use at most once a minute. */
export async function findLiveKey(
  manager: EntityManager,
  keyHash: Buffer,
  at: Date,
): Promise<StoredApiKey | undefined> {
  const rows: (StoredApiKey & { stale: boolean })[] = await manager.query(
    `SELECT k.id, k.workspace_id AS "workspaceId", w.name AS workspace, k.name, k.scopes,
            w.quota_writes_per_minute AS "writesPerMinute",
            (k.last_used_at IS NULL OR k.last_used_at < $2::timestamptz - interval '1 minute') AS stale
     FROM access.api_keys k JOIN access.workspaces w ON w.id = k.workspace_id
     WHERE k.key_hash = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2)`,
    [keyHash, at],
  );
  const [found] = rows;
  if (!found) return undefined;
  const { stale, ...key } = found;
  if (stale) await manager.query('UPDATE access.api_keys SET last_used_at = $2 WHERE id = $1', [key.id, at]);
  return key;
}

export async function insertWorkspace(
  manager: EntityManager,
  workspace: { id: string; name: string; at: Date },
): Promise<void> {
  await manager.query('INSERT INTO access.workspaces (id, name, created_at) VALUES ($1, $2, $3)', [
    workspace.id,
    workspace.name,
    workspace.at,
  ]);
}

export async function readWorkspaceName(manager: EntityManager, id: string): Promise<string | undefined> {
  const [row]: { name: string }[] = await manager.query('SELECT name FROM access.workspaces WHERE id = $1', [id]);
  return row?.name;
}

export async function insertApiKey(
  manager: EntityManager,
  key: {
    id: string;
    workspaceId: string;
    name: string;
    keyHash: Buffer;
    prefix: string;
    scopes: readonly Scope[];
    at: Date;
    expiresAt: string | null;
  },
): Promise<ApiKey> {
  const [row]: ApiKeyRow[] = await manager.query(
    `INSERT INTO access.api_keys (id, workspace_id, name, key_hash, prefix, scopes, created_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id, name, scopes, prefix, created_at, expires_at, last_used_at`,
    [key.id, key.workspaceId, key.name, key.keyHash, key.prefix, key.scopes, key.at, key.expiresAt],
  );
  if (!row) throw new Error('an inserted key was not returned');
  return toApiKey(row);
}

export async function listApiKeys(
  manager: EntityManager,
  workspaceId: string,
  afterId: string | undefined,
  limit: number,
): Promise<ApiKey[]> {
  const rows: ApiKeyRow[] = await manager.query(
    `SELECT id, name, scopes, prefix, created_at, expires_at, last_used_at FROM access.api_keys
     WHERE workspace_id = $1 AND revoked_at IS NULL AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3`,
    [workspaceId, afterId ?? null, limit],
  );
  return rows.map(toApiKey);
}

/** @returns whether there was a live key of this workspace */
export async function revokeApiKey(
  manager: EntityManager,
  workspaceId: string,
  id: string,
  at: Date,
): Promise<boolean> {
  const [, count]: [unknown, number] = await manager.query(
    'UPDATE access.api_keys SET revoked_at = $3 WHERE workspace_id = $1 AND id = $2 AND revoked_at IS NULL',
    [workspaceId, id, at],
  );
  return count === 1;
}

/** Held to the end of the transaction, so that two services that start at once make one first workspace. */
export async function lockBootstrap(manager: EntityManager): Promise<void> {
  await manager.query(`SELECT pg_advisory_xact_lock(hashtextextended('first workspace', 0))`);
}

export async function hasWorkspace(manager: EntityManager): Promise<boolean> {
  const rows: unknown[] = await manager.query('SELECT id FROM access.workspaces LIMIT 1');
  return rows.length > 0;
}

export interface IdempotentAnswerKey {
  workspaceId: string;
  keyHash: Buffer;
}

/** @returns whether this transaction is the first with the key; waits for another one that is still open */
export async function reserveAnswer(
  manager: EntityManager,
  key: IdempotentAnswerKey,
  requestHash: Buffer,
  at: Date,
): Promise<boolean> {
  await manager.query(
    `DELETE FROM access.idempotent_answers WHERE workspace_id = $1 AND key_hash = $2 AND created_at < $3::timestamptz - interval '24 hours'`,
    [key.workspaceId, key.keyHash, at],
  );
  const rows: unknown[] = await manager.query(
    `INSERT INTO access.idempotent_answers (workspace_id, key_hash, request_hash, created_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (workspace_id, key_hash) DO NOTHING RETURNING created_at`,
    [key.workspaceId, key.keyHash, requestHash, at],
  );
  return rows.length > 0;
}

export async function storeAnswer(manager: EntityManager, key: IdempotentAnswerKey, answer: Buffer): Promise<void> {
  await manager.query('UPDATE access.idempotent_answers SET answer = $3 WHERE workspace_id = $1 AND key_hash = $2', [
    key.workspaceId,
    key.keyHash,
    answer,
  ]);
}

export async function readAnswer(
  manager: EntityManager,
  key: IdempotentAnswerKey,
): Promise<{ requestHash: Buffer; answer: Buffer | null } | undefined> {
  const [row]: { request_hash: Buffer; answer: Buffer | null }[] = await manager.query(
    'SELECT request_hash, answer FROM access.idempotent_answers WHERE workspace_id = $1 AND key_hash = $2',
    [key.workspaceId, key.keyHash],
  );
  return row && { requestHash: row.request_hash, answer: row.answer };
}

export async function removeOldAnswers(manager: EntityManager, at: Date): Promise<void> {
  await manager.query(
    `DELETE FROM access.idempotent_answers WHERE created_at < $1::timestamptz - interval '24 hours'`,
    [at],
  );
}
