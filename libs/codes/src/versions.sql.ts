import type { CodeVersion } from '@signet/contracts';
import type { EntityManager } from 'typeorm';
import type { EditableFields } from './code-rules.js';

/** @param fields the editable fields as they are at this version */
export async function insertVersion(
  manager: EntityManager,
  codeId: string,
  { version, at, by, action, changes, restoredVersion }: CodeVersion,
  fields: EditableFields,
): Promise<void> {
  await manager.query(
    `INSERT INTO codes.versions (code_id, version, at, by, action, changes, restored_version, state)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [codeId, version, at, by, action, JSON.stringify(changes), restoredVersion ?? null, JSON.stringify(fields)],
  );
}

/** The fields stored with a version; null when it was made before they were; undefined when there is no such version. */
export async function findVersionState(
  manager: EntityManager,
  codeId: string,
  version: number,
): Promise<Record<string, unknown> | null | undefined> {
  const [row]: { state: Record<string, unknown> | null }[] = await manager.query(
    'SELECT state FROM codes.versions WHERE code_id = $1 AND version = $2',
    [codeId, version],
  );
  return row?.state;
}

/** What each version up to this one changed, oldest first. */
export async function listVersionChanges(
  manager: EntityManager,
  codeId: string,
  upTo: number,
): Promise<CodeVersion['changes'][]> {
  const rows: Pick<CodeVersion, 'changes'>[] = await manager.query(
    'SELECT changes FROM codes.versions WHERE code_id = $1 AND version <= $2 ORDER BY version',
    [codeId, upTo],
  );
  return rows.map(({ changes }) => changes);
}

/** Versions before `beforeVersion`, newest first. */
export async function listVersions(
  manager: EntityManager,
  codeId: string,
  { beforeVersion, limit }: { beforeVersion?: number; limit: number },
): Promise<CodeVersion[]> {
  const rows: (Omit<CodeVersion, 'at' | 'restoredVersion'> & { at: Date; restored_version: number | null })[] =
    await manager.query(
      `SELECT version, at, by, action, changes, restored_version FROM codes.versions
       WHERE code_id = $1 AND ($2::int IS NULL OR version < $2) ORDER BY version DESC LIMIT $3`,
      [codeId, beforeVersion ?? null, limit],
    );
  return rows.map(({ at, restored_version: restoredVersion, ...version }) => ({
    ...version,
    at: at.toISOString(),
    ...(restoredVersion !== null && { restoredVersion }),
  }));
}
