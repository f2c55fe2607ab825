import { createHash, randomInt } from 'node:crypto';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const RANDOM_CHARACTERS = 43;

/** `sgk_` and 43 base62 characters: 256 bit (security.md §7). */
export const generateApiKey = (): string =>
  `sgk_${Array.from({ length: RANDOM_CHARACTERS }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')}`;

/** What is stored in place of a key: its entropy makes a slow hash needless. */
export const hashApiKey = (key: string): Buffer => createHash('sha256').update(key).digest();

/** What a list shows, to recognise a key by; of a chosen, short key less than half. */
export const apiKeyPrefix = (key: string): string => key.slice(0, Math.min(8, Math.floor(key.length / 3)));
