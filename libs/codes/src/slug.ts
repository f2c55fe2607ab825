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

/** Whether the product itself answers that path, in any case of letters. */
export const isReserved = (slug: string): boolean => RESERVED_SLUGS.has(slug.toLowerCase());
