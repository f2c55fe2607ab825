import { randomInt, timingSafeEqual } from 'node:crypto';
import type { KeyRing } from '@signet/platform';

const DIGITS = 8;

/** Wrong PINs that end an enrollment: together a chance of one in twenty million. */
export const PINS_ALLOWED = 5;

/** What is told by another way than the link. Eight digits, so that nobody takes it for a code of an app. */
export const generatePin = (): string => String(randomInt(10 ** DIGITS)).padStart(DIGITS, '0');

/** A PIN as it is stored: nobody who has the database alone can try all of them. */
export interface PinHash {
  keyId: string;
  hash: Buffer;
}

/** HMAC-SHA-256 under a key that the database does not hold, bound to its enrollment. */
export const hashPin = (keyRing: KeyRing, enrollmentId: string, pin: string): PinHash => {
  const [keyId = ''] = keyRing.keyIds;
  return { keyId, hash: macOf(keyRing, keyId, { enrollmentId, pin }) };
};

/** What a typed PIN is; `unreadable`: no PIN at all, which is no guess. */
export type PinCheck = 'right' | 'missing' | 'unreadable' | 'wrong';

/** @param stored undefined: none is asked for */
export function checkPin(
  keyRing: KeyRing,
  stored: PinHash | undefined,
  { enrollmentId, typed = '' }: { enrollmentId: string; typed: string | undefined },
): PinCheck {
  if (!stored) return 'right';
  const pin = typed.replaceAll(/[\s-]/g, '');
  if (pin === '') return 'missing';
  if (!/^\d{8}$/.test(pin)) return 'unreadable';
  return timingSafeEqual(macOf(keyRing, stored.keyId, { enrollmentId, pin }), stored.hash) ? 'right' : 'wrong';
}

const macOf = (keyRing: KeyRing, keyId: string, { enrollmentId, pin }: { enrollmentId: string; pin: string }): Buffer =>
  keyRing.mac(keyId, 'enrollment-pin', `${enrollmentId}\n${pin}`);
