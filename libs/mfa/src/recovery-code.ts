import { randomBytes } from 'node:crypto';

/** Crockford's base32: without I, L, O and U, so that nothing on paper is read as something else. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const CHARACTERS = 20;
const GROUP = /.{5}(?=.)/g;

export const RECOVERY_CODES_PER_SET = 10;

/**
 * A fresh recovery code as a person sees it, `XXXXX-XXXXX-XXXXX-XXXXX`: 20 characters of 5 bit, 100 bit (security.md §3
 * asks for 80).
 * @param random 20 bytes; the low 5 bits of each are used
 */
export function generateRecoveryCode(random: Uint8Array = randomBytes(CHARACTERS)): string {
  const characters = Array.from(random.subarray(0, CHARACTERS), (byte) => ALPHABET.charAt(byte & 31));
  return characters.join('').replaceAll(GROUP, '$&-');
}

/**
 * A typed code as it is hashed: case, dashes and spaces do not count, and I, L, O read as the digits that they look like.
 * What cannot be a code stays what it is, and matches none.
 */
export const normalizeRecoveryCode = (typed: string): string =>
  typed.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll(/[IL]/g, '1').replaceAll('O', '0');
