import type { OutgoingFailure } from '@signet/contracts';
import type { Certificate } from './guarded-connection.js';

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
