import { createHash } from 'node:crypto';
import { subscriberOf } from '@signet/platform';

/** Who sends a claim, as far as that can be seen. */
export interface Claimant {
  ip: string;
  userAgent: string | undefined;
}

/** Two claims of one enrollment from the same address and browser have the same; it says nothing of any other. */
export const claimantHash = (enrollmentId: string, { ip, userAgent = '' }: Claimant): Buffer =>
  createHash('sha256')
    .update(`${enrollmentId}\n${subscriberOf(ip)}\n${userAgent}`)
    .digest();
