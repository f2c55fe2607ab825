import type { Certificate } from './guarded-connection.js';

/**
 * Why a call did not bring an answer. `url-refused` and `address-refused` are ours: nothing was sent. After
 * `certificate-invalid` nothing was sent either.
 */
export const OUTGOING_FAILURES = [
  'url-refused',
  'name-not-found',
  'address-refused',
  'connection-failed',
  'certificate-invalid',
  'no-answer',
  'timeout',
] as const;
export type OutgoingFailure = (typeof OUTGOING_FAILURES)[number];

/** An outgoing call that brought no answer. */
export class OutgoingError extends Error {
  readonly certificate: Certificate | undefined;

  constructor(
    readonly reason: OutgoingFailure,
    { certificate, cause }: { certificate?: Certificate; cause?: unknown } = {},
  ) {
    super(`an outgoing call failed: ${reason}`, { cause });
    this.name = 'OutgoingError';
    this.certificate = certificate;
  }
}
