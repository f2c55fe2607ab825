import { Idempotency } from '@signet/access';
import { REJECTION_REASONS, type CreateVerification, type RejectionReason, type Verification } from '@signet/contracts';
import { Clock, OutboxRelay, SignetError, type Caller } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { RecoveryKind } from '../recovery-kind.js';
import { findSubject } from '../subjects.sql.js';
import { TotpKind } from '../totp-kind.js';
import { AddressLimits } from './address-limits.js';
import { toAttempt, type Attempt, type Decision } from './attempt.js';
import { decideAttempt } from './decide-attempt.js';
import { recordAttempt } from './record-attempt.js';

/** Whether a code that somebody typed is right, once. */
@Injectable()
export class VerificationService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly idempotency: Idempotency,
    private readonly relay: OutboxRelay,
    private readonly totp: TotpKind,
    private readonly recovery: RecoveryKind,
    private readonly addresses: AddressLimits,
  ) {}

  /**
   * Decides an attempt in one transaction with its audit entry. Repeated with its `idempotencyKey` it gets what was
   * recorded: accepted stays accepted, though the code is used up.
   * @throws SignetError `too-many-attempts` with the seconds to wait
   */
  async verify(caller: Caller, idempotencyKey: string | undefined, body: CreateVerification): Promise<Verification> {
    const attempt = toAttempt(caller, body, this.clock.now());
    const once = { caller, operation: 'createVerification', key: idempotencyKey, request: body } as const;
    try {
      await this.addresses.take(attempt);
      const answer = await this.dataSource.transaction((manager) =>
        this.idempotency.once(manager, once, async () =>
          toAnswer(attempt, await decideAttempt(manager, this[body.factor], attempt)),
        ),
      );
      if (answer.result !== 'rejected') await this.addresses.giveBack(attempt);
      return answer;
    } catch (error) {
      if (error instanceof SignetError && error.kind === 'too-many-attempts') await this.recordRefusal(attempt);
      throw error;
    } finally {
      this.relay.wake();
    }
  }

  /**
   * Durable before the 429 leaves, in a transaction of its own: the one that refused is rolled back, so that the
   * idempotency key stays free for the attempt that comes after the wait.
   */
  private async recordRefusal(attempt: Attempt): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      const subject = await findSubject(manager, attempt.caller.workspaceId, attempt.subject);
      const refusal = { result: 'throttled', reason: 'throttled', attemptsLeft: 0 } as const;
      await recordAttempt(manager, attempt, { ...refusal, subjectId: subject?.id });
    });
  }
}

/** The true reason only for a key that may have it: the answer may end up on somebody's screen. */
function toAnswer({ id, caller }: Attempt, decision: Decision): Verification {
  const { result, reason, factorId, attemptsLeft, stepUp } = decision;
  if (result === 'accepted') return { id, result, factorId };
  if (result === 'step_up') return { id, result, factorId, stepUp };
  const isTrueReason = (text: string | undefined): text is RejectionReason =>
    caller.scopes.includes('verify:reason') && REJECTION_REASONS.some((known) => known === text);
  return { id, result: 'rejected', reason: isTrueReason(reason) ? reason : 'failed', attemptsLeft };
}
