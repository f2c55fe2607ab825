import { SignetError } from '@signet/platform';
import type { EntityManager } from 'typeorm';
import { fieldsAfter, wholeFields, type EditableFields } from './code-rules.js';
import { findVersionState, listVersionChanges } from './versions.sql.js';

/**
 * The editable fields that a code had at a version: those stored with it, or, for a version of an earlier release, which
 * stored none, what the changes up to it add up to.
 * @throws SignetError `invalid-request` when there is no such version; `version-not-restorable`
 */
export async function fieldsAt(manager: EntityManager, codeId: string, version: number): Promise<EditableFields> {
  const stored = await findVersionState(manager, codeId, version);
  if (stored === undefined) {
    const message = `the code has no version ${version}`;
    throw new SignetError('invalid-request', { detail: `version: ${message}`, errors: [{ path: 'version', message }] });
  }
  const fields = wholeFields(stored ?? (await foldVersions(manager, codeId, version)));
  if (fields) return fields;
  throw new SignetError('version-not-restorable', {
    detail: `Version ${version} is of a release that did not keep versions whole, and the history before it is incomplete`,
  });
}

async function foldVersions(manager: EntityManager, codeId: string, version: number): Promise<Record<string, unknown>> {
  const changes = await listVersionChanges(manager, codeId, version);
  return changes.length === version ? fieldsAfter(changes.flat()) : {};
}
