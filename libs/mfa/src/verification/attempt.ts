import type { CreateVerification, RejectionReason, StepUp } from '@signet/contracts';
import { newId, truncateIp, type Caller, type IpTruncation } from '@signet/platform';
import type { SubjectName } from '../subjects.sql.js';

/** One call of `POST /v1/verifications`. `code` goes to the factor kinds and nowhere else. */
export interface Attempt extends CreateVerification {
  id: string;
  caller: Caller;
  at: Date;
  /** As much of the person's address as is kept outside of the audit log. */
  network?: string | undefined;
}

/** What a right code left open: a factor of another kind, or a code of the step that is running. */
export type StepUpReason = 'second_factor' | 'current_step';

/** What was decided about an attempt; `throttled`: nothing was evaluated. */
export interface Decision {
  result: 'accepted' | 'rejected' | 'throttled' | 'step_up';
  /** The true one. */
  reason?: RejectionReason | StepUpReason;
  factorId?: string;
  /** Absent for a name that is nobody's. */
  subjectId?: string;
  /** Failures that are still free of a wait. */
  attemptsLeft: number;
  stepUp?: StepUp;
}

export const toAttempt = (
  caller: Caller,
  body: CreateVerification,
  at: Date,
  ipTruncation: IpTruncation = '24/48',
): Attempt => ({
  ...body,
  id: newId(),
  caller,
  at,
  network: body.context?.ip && truncateIp(body.context.ip, ipTruncation),
});

/** The name in whose lock an attempt is decided. */
export const nameOf = ({ caller, subject }: Attempt): SubjectName => ({ workspaceId: caller.workspaceId, subject });
