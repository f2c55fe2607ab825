import { isEnded } from '@signet/contracts';
import { whyNotUsable, type FilePurpose, type FileUses } from '@signet/files';
import { SignetError } from '@signet/platform';
import type { EntityManager } from 'typeorm';
import type { StoredCode } from './code.js';

interface NamedFile {
  id: string;
  purpose: FilePurpose;
  /** Where the code names it. */
  path: string;
}

/** The files that a target names: what a code gives, or the picture of its page. */
function filesOf(target: StoredCode['target']): NamedFile[] {
  if ('fileId' in target) return [{ id: target.fileId, purpose: 'content', path: 'target.fileId' }];
  if (!('picture' in target) || target.picture === undefined) return [];
  return [{ id: target.picture.fileId, purpose: 'picture', path: 'target.picture.fileId' }];
}

/**
 * Whether the files of a target may be given. They stay until the transaction ends, which has to say who gives them.
 * @throws SignetError `invalid-request`
 */
export async function checkFiles(
  manager: EntityManager,
  { workspaceId, target }: Pick<StoredCode, 'workspaceId' | 'target'>,
): Promise<void> {
  for (const { id, purpose, path } of filesOf(target)) {
    const message = await whyNotUsable(manager, { workspaceId, id }, purpose);
    if (message !== undefined)
      throw new SignetError('invalid-request', { detail: `${path}: ${message}`, errors: [{ path, message }] });
  }
}

/** Which files codes give from now on, of the codes that may ever have given one. A code that has ended gives none. */
export const fileUses = (codes: readonly Pick<StoredCode, 'id' | 'kind' | 'state' | 'target'>[]): FileUses[] =>
  codes
    .filter(({ kind }) => kind === 'file' || kind === 'page')
    .map(({ id, state, target }) => ({
      codeId: id,
      fileIds: isEnded(state) ? [] : filesOf(target).map((file) => file.id),
    }));
