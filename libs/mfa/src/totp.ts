import { timingSafeEqual } from 'node:crypto';
import type { TotpParameters } from '@signet/contracts';
import { generateSync } from 'otplib';

export interface TotpAttempt {
  secret: Uint8Array;
  /** As it was typed; spaces are ignored. */
  code: string;
  /** Our clock's time, never the client's (ASVS 6.5.8). */
  at: Date;
  parameters: TotpParameters;
  /** How many steps before the current one still count; a step ahead never does. 0: ASVS 6.5.5 read strictly. */
  acceptedSteps: { past: number };
  /** The newest step that was used; nothing up to it is accepted again. `NO_STEP` for a new factor. */
  lastStep: number;
}

export type TotpResult = { matched: true; step: number } | { matched: false; reason: 'invalid' | 'replayed' };

/** `lastStep` of a factor that was never used. */
export const NO_STEP = -1;

/** The current step and the one before (security.md §1). */
export const ACCEPTED_STEPS = { past: 1 } as const;

/**
 * Checks a code against every step that may count, without an early exit (RFC 6238 §4.2 and §5.2).
 * @returns the newest step that matches, which the caller must burn; `replayed` when that step was used before
 */
export function verifyTotp({ secret, code, at, parameters, acceptedSteps, lastStep }: TotpAttempt): TotpResult {
  const current = stepAt(at, parameters);
  const given = comparable(code, parameters);
  let matching = NO_STEP;
  for (let step = Math.max(0, current - acceptedSteps.past); step <= current; step += 1) {
    const expected = Buffer.from(hotp(secret, step, parameters));
    matching = timingSafeEqual(given, expected) ? step : matching;
  }
  if (matching === NO_STEP) return { matched: false, reason: 'invalid' };
  return matching > lastStep ? { matched: true, step: matching } : { matched: false, reason: 'replayed' };
}

/** The number of the period in which `at` lies: RFC 6238's T with T0 = 0. */
export const stepAt = (at: Date, { periodSeconds }: TotpParameters): number =>
  Math.floor(at.getTime() / 1000 / periodSeconds);

/** RFC 4226 §5.3, with the hash functions that RFC 6238 §1.2 adds. */
function hotp(secret: Uint8Array, counter: number, { algorithm, digits }: TotpParameters): string {
  const hash = { SHA1: 'sha1', SHA256: 'sha256', SHA512: 'sha512' } as const;
  return generateSync({ strategy: 'hotp', secret, counter, digits, algorithm: hash[algorithm] });
}

/** A buffer as long as a right code's; what cannot be one becomes a text that equals none. */
function comparable(code: string, { digits }: TotpParameters): Buffer {
  const compact = code.replaceAll(' ', '');
  const possible = /^\d+$/.test(compact) && compact.length === digits;
  return Buffer.from(possible ? compact : 'x'.repeat(digits));
}
