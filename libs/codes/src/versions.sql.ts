import type { CodeVersion } from '@signet/contracts';
import type { EntityManager } from 'typeorm';
import type { EditableFields } from './code-rules.js';

export interface NewVersion extends CodeVersion {
  codeId: string;
  /** The editable fields as they are at this version. */
  state: EditableFields;
}

export async function insertVersions(manager: EntityManager, versions: readonly NewVersion[]): Promise<void> {
  await manager.query(
    `INSERT INTO codes.versions (code_id, version, at, by, action, changes, restored_version, state)
     SELECT "codeId", version, at, by, action, changes, "restoredVersion", state
     FROM jsonb_to_recordset($1::jsonb) AS version ("codeId" uuid, version int, at timestamptz, by text, action text,
       changes jsonb, "restoredVersion" int, state jsonb)`,
    [JSON.stringify(versions)],
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
