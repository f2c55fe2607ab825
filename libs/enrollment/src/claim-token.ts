import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** The credential of whoever saw the secret: 256 bit, base64url. */
export const generateClaimToken = (): string => randomBytes(32).toString('base64url');

/** What is stored in its place: its entropy makes a slow hash needless. */
export const hashClaimToken = (token: string): Buffer => createHash('sha256').update(token).digest();

/** @param stored absent for an enrollment that is unknown or unclaimed, which takes as long and matches nothing */
export function matchesClaimToken(token: string, stored: Buffer | null | undefined): boolean {
  const given = hashClaimToken(token);
  return timingSafeEqual(given, stored ?? randomBytes(given.length));
}
