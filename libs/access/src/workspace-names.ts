import type { EntityManager } from 'typeorm';
import { readWorkspaceName } from './access.sql.js';

/** The name of the workspace that an installation begins with: it names nobody. */
export const UNNAMED_WORKSPACE = 'default';

/** @returns the name that strangers are told; undefined for a workspace that nobody has named */
export async function findWorkspaceName(manager: EntityManager, id: string): Promise<string | undefined> {
  const name = await readWorkspaceName(manager, id);
  return name === UNNAMED_WORKSPACE ? undefined : name;
}
