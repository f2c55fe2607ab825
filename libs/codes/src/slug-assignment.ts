import type { CodeDomain } from '@signet/domains';
import { SignetError } from '@signet/platform';
import type { EntityManager } from 'typeorm';
import type { StoredCode } from './code.js';
import { findTakenKeys, insertCode } from './codes.sql.js';
import { codeKey, isReserved, PLAIN_SLUG_LENGTH, PROTECTED_SLUG_LENGTH, randomSlug, slugsLike } from './slug.js';

/** Even a billion codes make one collision in 100,000 draws; this many in a row mean that the randomness is broken. */
export const MAX_DRAWS = 5;

type Draft = Omit<StoredCode, 'slug' | 'slugKey'>;

/**
 * Stores a new code under the slug that was asked for, or under a random one: long for a protected code, whose slug is a
 * secret. The unique index decides which slug is free on its domain, never a look before the insert.
 * @param domain absent: the installation's own
 * @param draw a random slug of a length; given by tests
 * @throws SignetError `slug-reserved` | `slug-taken`
 */
export async function insertWithSlug(
  manager: EntityManager,
  wanted: string | undefined,
  code: Draft,
  { domain, draw = randomSlug }: { domain?: CodeDomain | undefined; draw?: typeof randomSlug } = {},
): Promise<StoredCode> {
  if (wanted !== undefined) {
    if (isReserved(wanted)) throw await refuseSlug(manager, 'slug-reserved', { slug: wanted, domain });
    const stored = withSlug(code, wanted, domain);
    if (await insertCode(manager, stored)) return stored;
    throw await refuseSlug(manager, 'slug-taken', { slug: wanted, domain });
  }
  const length = randomLengthOf(code, domain);
  for (let draws = 0; draws < MAX_DRAWS; draws += 1) {
    const stored = withSlug(code, draw(length, domain), domain);
    if (!isReserved(stored.slug) && (await insertCode(manager, stored))) return stored;
  }
  throw new Error('no random slug was free');
}

/** How long the random slug of a new code is, before what a folding domain adds. */
export function randomLengthOf(
  { maxScans, passwordHash }: Pick<StoredCode, 'maxScans' | 'passwordHash'>,
  domain: Pick<CodeDomain, 'slugLength'> | undefined,
): number {
  const isPlain = maxScans === null && passwordHash === null;
  return isPlain ? (domain?.slugLength ?? PLAIN_SLUG_LENGTH) : PROTECTED_SLUG_LENGTH;
}

/** The code under its slug and on its domain. @param domain absent: the installation's own */
export const withSlug = (code: Draft, slug: string, domain: CodeDomain | undefined): StoredCode & { slug: string } => ({
  ...code,
  slug,
  slugKey: codeKey(slug, domain),
  domainId: domain?.id ?? null,
  domain: domain?.host ?? null,
});

const REASONS = { 'slug-reserved': 'is, or looks like, a path of Signet', 'slug-taken': 'is taken' } as const;

/** The refusal of a slug, with one that is free at this moment. */
export async function refuseSlug(
  manager: EntityManager,
  kind: keyof typeof REASONS,
  { slug, domain }: { slug: string; domain: CodeDomain | undefined },
): Promise<SignetError> {
  const candidates = slugsLike(slug);
  const taken = await findTakenKeys(
    manager,
    candidates.map((candidate) => codeKey(candidate, domain)),
    domain?.host,
  );
  const free = candidates.find((candidate) => !taken.includes(codeKey(candidate, domain)));
  const message = `“${slug}” ${REASONS[kind]}${free === undefined ? '' : `; “${free}” is free`}`;
  return new SignetError(kind, { detail: `slug: ${message}`, errors: [{ path: 'slug', message }] });
}
