import { SignetError } from '@signet/platform';
import type { EntityManager } from 'typeorm';
import type { StoredCode } from './code.js';
import { findTakenKeys, insertCode } from './codes.sql.js';
import { codeKey, isReserved, PLAIN_SLUG_LENGTH, PROTECTED_SLUG_LENGTH, randomSlug, slugsLike } from './slug.js';

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
    if (isReserved(wanted)) throw await refusal(manager, 'slug-reserved', wanted);
    const stored = withSlug(code, wanted);
    if (await insertCode(manager, stored)) return stored;
    throw await refusal(manager, 'slug-taken', wanted);
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

const REASONS = { 'slug-reserved': 'is, or looks like, a path of Signet', 'slug-taken': 'is taken' } as const;

/** The refusal of a slug, with one that is free at this moment. */
async function refusal(manager: EntityManager, kind: keyof typeof REASONS, slug: string): Promise<SignetError> {
  const candidates = slugsLike(slug);
  const taken = await findTakenKeys(manager, candidates.map(codeKey));
  const free = candidates.find((candidate) => !taken.includes(codeKey(candidate)));
  const message = `“${slug}” ${REASONS[kind]}${free === undefined ? '' : `; “${free}” is free`}`;
  return new SignetError(kind, { detail: `slug: ${message}`, errors: [{ path: 'slug', message }] });
}
