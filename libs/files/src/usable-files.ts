import type { EntityManager } from 'typeorm';
import { isPicture } from './content-type.js';
import { keepFile, type FileKey } from './files.sql.js';

/** What a code may want a file for. */
export type FilePurpose = 'content' | 'picture';

/**
 * Whether a code may give the file. It cannot be deleted until the transaction ends, in which the code says that it gives
 * it (`storeFileUses`).
 * @returns what is wrong with it; undefined when it may
 */
export async function whyNotUsable(
  manager: EntityManager,
  key: FileKey,
  purpose: FilePurpose,
): Promise<string | undefined> {
  const contentType = await keepFile(manager, key);
  if (contentType === undefined) return 'must be a file of this workspace';
  return purpose === 'content' || isPicture(contentType) ? undefined : `must be a picture, and is ${contentType}`;
}
