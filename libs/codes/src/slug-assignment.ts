import { SignetError } from '@signet/platform';
import type { EntityManager } from 'typeorm';
import { checkSlug } from './code-rules.js';
import type { StoredCode } from './code.js';
import { insertCode } from './codes.sql.js';
import { codeKey, isReserved, PLAIN_SLUG_LENGTH, PROTECTED_SLUG_LENGTH, randomSlug } from './slug.js';

/** Even a billion codes make one collision in 100,000 draws; this many in a row mean that the randomness is broken. */
const MAX_DRAWS = 5;

/**
 * Stores a new code under the slug that was asked for, or under a random one: long for a limited code, whose slug is a
 * secret. The unique index decides which slug is free, never a look before the insert.
 * @param draw a random slug of a length; given by tests
 * @throws SignetError `slug-reserved` | `slug-taken`
 */
export async function insertWithSlug(
  manager: EntityManager,
  wanted: string | undefined,
  code: Omit<StoredCode, 'slug' | 'slugKey'>,
  draw = randomSlug,
): Promise<StoredCode> {
  if (wanted !== undefined) {
    checkSlug(wanted);
    const stored = withSlug(code, wanted);
    if (await insertCode(manager, stored)) return stored;
    throw new SignetError('slug-taken', { errors: [{ path: 'slug', message: 'is taken' }] });
  }
  const length = code.maxScans === null ? PLAIN_SLUG_LENGTH : PROTECTED_SLUG_LENGTH;
  for (let draws = 0; draws < MAX_DRAWS; draws += 1) {
    const stored = withSlug(code, draw(length));
    if (!isReserved(stored.slug) && (await insertCode(manager, stored))) return stored;
  }
  throw new Error('no random slug was free');
}

const withSlug = (code: Omit<StoredCode, 'slug' | 'slugKey'>, slug: string): StoredCode & { slug: string } => ({
  ...code,
  slug,
  slugKey: codeKey(slug),
});
