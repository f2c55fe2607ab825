import { Idempotency, type Begun, type OnceRequest } from '@signet/access';
import { REJECTION_REASONS, VerificationSchema, type RejectionReason, type Verification } from '@signet/contracts';
import { SignetError } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { RecoveryKind } from '../recovery-kind.js';
import { secondsToWait } from '../throttle.js';
import { TotpKind } from '../totp-kind.js';
import type { Attempt, Decision } from './attempt.js';
import type { FactorKinds } from './check-codes.js';
import { decideAttempts } from './decide-attempts.js';
import { lockTargets, type LockedAttempt } from './lock-targets.js';
import { recordAttempts } from './record-attempts.js';

/** An attempt, and what an idempotency key makes of it. */
export interface AskedAttempt {
  attempt: Attempt;
  once: OnceRequest;
}

export type Outcome = { answer: Verification } | { error: unknown };
type Beginning = Begun<Verification> | { error: SignetError };

/** Decides attempts of different subjects in one transaction. */
@Injectable()
export class GroupDecision {
  private readonly kinds: FactorKinds;

  constructor(
    private readonly idempotency: Idempotency,
    totp: TotpKind,
    recovery: RecoveryKind,
  ) {
    this.kinds = { totp, recovery };
  }

  /**
   * An attempt that is repeated with its idempotency key gets what was recorded: accepted stays accepted, though the code
   * is used up.
   * @returns in the order of the attempts; errors are `too-many-attempts`, with the seconds to wait, and
   * `idempotency-conflict`
   */
  async decide(manager: EntityManager, asked: readonly AskedAttempt[]): Promise<Outcome[]> {
    const begun = [];
    for (const locked of await lockTargets(manager, asked))
      begun.push({ locked, beginning: await this.begin(manager, locked) });
    const free = begun.filter(({ beginning }) => 'keep' in beginning);
    const decisions = await decideAttempts(
      manager,
      this.kinds,
      free.map(({ locked }) => locked),
    );
    const decided = new Map(free.map(({ locked }, index) => [locked, decisions[index]]));
    const outcomes: Outcome[] = [];
    for (const { locked, beginning } of begun)
      outcomes.push(await settle(locked.attempt, beginning, decided.get(locked)));
    return outcomes;
  }

  /**
   * While a subject waits nothing is evaluated, so that guessing gains nothing (NIST SP 800-63B-4 §3.2.2): the attempt is
   * recorded, and its key stays free for the one after the wait.
   */
  private async begin(
    manager: EntityManager,
    { attempt, once, ...locked }: AskedAttempt & LockedAttempt,
  ): Promise<Beginning> {
    const wait = secondsToWait(locked.throttle, attempt.at);
    try {
      if (wait === 0) return await this.idempotency.begin<Verification>(manager, once);
      const earlier = await this.idempotency.find(manager, once);
      if (earlier !== undefined) return { earlier: VerificationSchema.parse(JSON.parse(earlier)) };
    } catch (error) {
      if (error instanceof SignetError && error.kind === 'idempotency-conflict') return { error };
      throw error;
    }
    await recordRefusal(manager, attempt, locked.subject?.id);
    return { error: tooManyAttempts(wait) };
  }
}

async function settle(attempt: Attempt, beginning: Beginning, decision: Decision | undefined): Promise<Outcome> {
  if ('error' in beginning) return beginning;
  if ('earlier' in beginning) return { answer: beginning.earlier };
  if (!decision) return { error: new SignetError('internal-error') };
  const answer = toAnswer(attempt, decision);
  await beginning.keep(answer);
  return { answer };
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

export const tooManyAttempts = (retryAfter: number): SignetError =>
  new SignetError('too-many-attempts', { retryAfter, attemptsLeft: 0 });

/** An attempt that was refused before anything was evaluated. */
export const recordRefusal = (manager: EntityManager, attempt: Attempt, subjectId: string | undefined): Promise<void> =>
  recordAttempts(manager, [
    { attempt, decision: { result: 'throttled', reason: 'throttled', subjectId, attemptsLeft: 0 } },
  ]);
