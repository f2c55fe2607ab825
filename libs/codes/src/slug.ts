import { createHash, randomInt } from 'node:crypto';
import { RESERVED_SLUGS } from '@signet/contracts';

/** Without 0, O, I and l, which people mistake for one another. */
const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
/** 47 bit: too sparse to be met by typing; unknown slugs are throttled besides (security.md §6). */
export const PLAIN_SLUG_LENGTH = 8;
/** 129 bit: whoever has the slug of a limited code may use it up, so it must not be guessed (NIST 4.1.2.2: ≥ 112 bit). */
export const PROTECTED_SLUG_LENGTH = 22;

/** Of a domain that does not tell upper from lower case: 5.04 bit a character where base58 has 5.86. */
const FOLDED = '123456789abcdefghijkmnpqrstuvwxyz';
/** What a slug in folded letters needs more: 40 and 111 bit would be too few. */
const FOLDED_EXTRA = 2;

/** @returns characters from the system's secure randomness, base58 unless the domain folds */
export function randomSlug(length: number, domain?: Pick<KeyDomain, 'caseSensitive'>): string {
  const [alphabet, count] = domain?.caseSensitive === false ? [FOLDED, length + FOLDED_EXTRA] : [BASE58, length];
  return Array.from({ length: count }, () => alphabet[randomInt(alphabet.length)]).join('');
}

/**
 * Under which key a code is found, in PostgreSQL and in `CodeState`: computed from what a scan has. A slug as long as the
 * random ones of protected codes is hashed, so that no such secret is ever a key of Redis; a short one is its own key,
 * and can't be the hash of another, which has 43 characters. On a domain other than the installation's own the domain's
 * id and a slash, which no slug has, go before it.
 */
export function codeKey(slug: string, domain?: KeyDomain): string {
  if (domain === undefined) return keyWithin(slug);
  return `${domain.id}/${keyWithin(domain.caseSensitive ? slug : slug.toLowerCase())}`;
}

/** What of a domain decides where its codes are found. */
export interface KeyDomain {
  id: string;
  caseSensitive: boolean;
}

const keyWithin = (slug: string): string =>
  slug.length < PROTECTED_SLUG_LENGTH ? slug : createHash('sha256').update(slug).digest('base64url');

/** Letters that people mistake for one another, as one: any case, 0 and O, 1, I and l, - and _. */
const fold = (slug: string): string =>
  slug.toLowerCase().replaceAll('0', 'o').replaceAll(/[1i]/g, 'l').replaceAll('_', '-');
const RESERVED: ReadonlySet<string> = new Set([...RESERVED_SLUGS].map(fold));

/** Whether the product itself answers that path, or one that looks like it: `/Login`, `/l0gin`. */
export const isReserved = (slug: string): boolean => RESERVED.has(fold(slug));

const LONGEST_SLUG = 64;

/** Slugs to have in place of one that can't be had, the nicest first; the last is free almost surely. */
export function slugsLike(slug: string): string[] {
  const endings = ['2', '3', '4', '5', '6', '7', '8', '9', randomSlug(6)];
  return endings
    .map((ending) => `${slug.slice(0, LONGEST_SLUG - 1 - ending.length)}-${ending}`)
    .filter((one) => !isReserved(one));
}
