import type { TargetSettings } from '@signet/contracts';
import type { EntityManager } from 'typeorm';

/** @returns undefined when the workspace has never said anything */
export async function readTargetSettings(
  manager: EntityManager,
  workspaceId: string,
): Promise<TargetSettings | undefined> {
  const [row]: { allowed_hosts: string[]; allowed_schemes: string[] }[] = await manager.query(
    'SELECT allowed_hosts, allowed_schemes FROM codes.target_settings WHERE workspace_id = $1',
    [workspaceId],
  );
  return row && { allowedHosts: row.allowed_hosts, allowedSchemes: row.allowed_schemes };
}

export async function writeTargetSettings(
  manager: EntityManager,
  workspaceId: string,
  { allowedHosts, allowedSchemes }: TargetSettings,
): Promise<void> {
  await manager.query(
    `INSERT INTO codes.target_settings (workspace_id, allowed_hosts, allowed_schemes) VALUES ($1, $2, $3)
     ON CONFLICT (workspace_id) DO UPDATE SET allowed_hosts = EXCLUDED.allowed_hosts, allowed_schemes = EXCLUDED.allowed_schemes`,
    [workspaceId, allowedHosts, allowedSchemes],
  );
}
