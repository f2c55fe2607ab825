import type { KeyRing } from '@signet/platform';
import { normalizeRecoveryCode } from './recovery-code.js';
import type { CodeHash } from './recovery-codes.sql.js';

/** Whose code it is, and which key of the ring hashes it. */
export interface RecoveryCodePlace {
  subjectId: string;
  keyId: string;
}

/**
 * HMAC-SHA-256 of a code under a key that the database does not hold (security.md §3), bound to its subject: the codes
 * of one are not those of another, and equal codes do not look equal.
 */
export const hashRecoveryCode = (
  keyRing: KeyRing,
  { subjectId, keyId }: RecoveryCodePlace,
  code: string,
): CodeHash => ({
  keyId,
  hash: keyRing.mac(keyId, 'recovery-code', `${subjectId}\n${normalizeRecoveryCode(code)}`),
});
