import type { PolicyVersion } from '@signet/contracts';
import type { EntityManager } from 'typeorm';
import type { EffectivePolicy, StoredPolicy } from './policy.js';

const COLUMNS = `id, workspace_id AS "workspaceId", terms, version, required_since AS "requiredSince",
  created_at AS "createdAt", updated_at AS "updatedAt"`;

/** All of a workspace that are enabled: what evaluations need. */
export function readEffectivePolicies(manager: EntityManager, workspaceId: string): Promise<EffectivePolicy[]> {
  return manager.query(
    `SELECT id, terms, required_since AS "requiredSince" FROM policies.policies
     WHERE workspace_id = $1 AND deleted_at IS NULL AND (terms->'enabled')::boolean`,
    [workspaceId],
  );
}

/** In the order in which they decide, those after the place `after`. */
export function readPolicies(
  manager: EntityManager,
  workspaceId: string,
  { after, limit }: { after: { priority: number; id: string } | undefined; limit: number },
): Promise<StoredPolicy[]> {
  return manager.query(
    `SELECT ${COLUMNS} FROM policies.policies
     WHERE workspace_id = $1 AND deleted_at IS NULL AND ($2::int IS NULL OR (-priority, id) > (-$2, $3::uuid))
     ORDER BY priority DESC, id LIMIT $4`,
    [workspaceId, after?.priority ?? null, after?.id ?? null, limit],
  );
}

export async function findPolicy(
  manager: EntityManager,
  workspaceId: string,
  id: string,
): Promise<StoredPolicy | undefined> {
  const [found]: StoredPolicy[] = await manager.query(
    `SELECT ${COLUMNS} FROM policies.policies WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL`,
    [workspaceId, id],
  );
  return found;
}

/** Held to the end of the transaction. */
export async function lockPolicy(
  manager: EntityManager,
  workspaceId: string,
  id: string,
): Promise<StoredPolicy | undefined> {
  const [found]: StoredPolicy[] = await manager.query(
    `SELECT ${COLUMNS} FROM policies.policies WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL FOR UPDATE`,
    [workspaceId, id],
  );
  return found;
}

export async function insertPolicy(manager: EntityManager, policy: StoredPolicy): Promise<void> {
  const { id, workspaceId, terms, version, requiredSince, createdAt, updatedAt } = policy;
  await manager.query(
    `INSERT INTO policies.policies
       (id, workspace_id, priority, terms, version, required_since, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [id, workspaceId, terms.priority, JSON.stringify(terms), version, requiredSince, createdAt, updatedAt],
  );
}

export async function updatePolicy(
  manager: EntityManager,
  { id, terms, version, requiredSince, updatedAt }: StoredPolicy,
): Promise<void> {
  await manager.query(
    `UPDATE policies.policies SET priority = $2, terms = $3, version = $4, required_since = $5, updated_at = $6
     WHERE id = $1`,
    [id, terms.priority, JSON.stringify(terms), version, requiredSince, updatedAt],
  );
}

export async function markDeleted(manager: EntityManager, { id, version, updatedAt }: StoredPolicy): Promise<void> {
  await manager.query('UPDATE policies.policies SET version = $2, updated_at = $3, deleted_at = $3 WHERE id = $1', [
    id,
    version,
    updatedAt,
  ]);
}

export async function insertVersion(
  manager: EntityManager,
  { id, version, terms, updatedAt }: StoredPolicy,
  { by, action }: Pick<PolicyVersion, 'by' | 'action'>,
): Promise<void> {
  await manager.query(
    'INSERT INTO policies.versions (policy_id, version, at, by, action, terms) VALUES ($1, $2, $3, $4, $5, $6)',
    [id, version, updatedAt, by, action, JSON.stringify(terms)],
  );
}

export interface StoredVersion extends Omit<PolicyVersion, 'at'> {
  at: Date;
}

/** The newest first, those before the version `before`; also of a policy that is deleted. */
export function readVersions(
  manager: EntityManager,
  { workspaceId, id }: { workspaceId: string; id: string },
  { before, limit }: { before: number | undefined; limit: number },
): Promise<StoredVersion[]> {
  return manager.query(
    `SELECT v.version, v.at, v.by, v.action, v.terms
     FROM policies.versions v JOIN policies.policies p ON p.id = v.policy_id
     WHERE p.workspace_id = $1 AND p.id = $2 AND ($3::int IS NULL OR v.version < $3) ORDER BY v.version DESC LIMIT $4`,
    [workspaceId, id, before ?? null, limit],
  );
}
