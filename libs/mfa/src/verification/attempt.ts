import type { CreateVerification } from '@signet/contracts';
import { newId, type Caller } from '@signet/platform';
import type { RejectionReason } from '@signet/contracts';

/** One call of `POST /v1/verifications`. `code` goes to the factor kinds and nowhere else. */
export interface Attempt extends CreateVerification {
  id: string;
  caller: Caller;
  at: Date;
}

/** What was decided about an attempt; `throttled`: nothing was evaluated. */
export interface Decision {
  result: 'accepted' | 'rejected' | 'throttled';
  /** The true one. */
  reason?: RejectionReason;
  factorId?: string;
  /** Absent for a name that is nobody's. */
  subjectId?: string;
  /** Failures that are still free of a wait. */
  attemptsLeft: number;
}

export const toAttempt = (caller: Caller, body: CreateVerification, at: Date): Attempt => ({
  ...body,
  id: newId(),
  caller,
  at,
});
