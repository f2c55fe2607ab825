import { createHash, randomInt } from 'node:crypto';
import { RESERVED_SLUGS } from '@signet/contracts';

/** Without 0, O, I and l, which people mistake for one another. */
const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
/** 47 bit: too sparse to be met by typing; unknown slugs are throttled besides (security.md §6). */
export const PLAIN_SLUG_LENGTH = 8;
/** 129 bit: whoever has the slug of a limited code may use it up, so it must not be guessed (NIST 4.1.2.2: ≥ 112 bit). */
export const PROTECTED_SLUG_LENGTH = 22;

/** @returns base58 characters from the system's secure randomness */
export const randomSlug = (length: number): string =>
  Array.from({ length }, () => BASE58[randomInt(BASE58.length)]).join('');

/**
 * Under which key a code is found, in PostgreSQL and in `CodeState`: computed from the slug alone. A slug as long as the
 * random ones of protected codes is hashed, so that no such secret is ever a key of Redis; a short one is its own key,
 * and can't be the hash of another, which has 43 characters.
 */
export const codeKey = (slug: string): string =>
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
