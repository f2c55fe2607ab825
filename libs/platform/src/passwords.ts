import { hash, verify } from '@node-rs/argon2';
import { Slots } from './slots.js';

/** Argon2id with 19 MiB, two passes and one lane (OWASP Password Storage Cheat Sheet). */
const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1, outputLen: 32 };

/**
 * A hash takes 20 to 40 ms of a thread of libuv's pool, which has four and serves the disk, too. What waits longer than
 * a few seconds is better told to come back.
 */
const slots = new Slots({ parallel: 2, waiting: 100 });

/**
 * @returns the hash in PHC format, with a salt of its own
 * @throws SignetError `unavailable` when too many are being hashed
 */
export const hashPassword = (password: string): Promise<string> => slots.run(() => hash(password, PARAMETERS));

/**
 * @param passwordHash of `hashPassword`
 * @param mayStart called when it is this one's turn, just before the work; what it throws is thrown
 * @throws SignetError `unavailable` when too many are being hashed
 */
export const verifyPassword = (
  passwordHash: string,
  password: string,
  mayStart: () => void | Promise<void> = () => undefined,
): Promise<boolean> =>
  slots.run(async () => {
    await mayStart();
    return verify(passwordHash, password);
  });
