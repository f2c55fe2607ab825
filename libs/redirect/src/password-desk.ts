import { CodeState, SignetError, verifyPassword } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import type { RateLimiterAbstract } from 'rate-limiter-flexible';
import type { Excess } from './scan-limits.js';

/** Mistyping is free so often. */
const FREE_FAILURES = 10;
const FIRST_WAIT_SECONDS = 1;
const LONGEST_WAIT_SECONDS = 5 * 60;
/** After so long without a failure the earlier ones are forgiven. */
const FORGIVEN_AFTER_SECONDS = 15 * 60;

export interface PasswordAttempt {
  key: string;
  passwordHash: string;
  password: string;
  at: Date;
}

export interface PasswordVerdict {
  isRight: boolean;
  /** Of the failure by which the code begins to wait, once. */
  excess?: Excess;
}

/**
 * Checks the passwords of codes. Beside the limit for each address (`ScanLimits`), which many addresses together get
 * around, a code waits ever longer after failures, whoever made them. Counted over all processes in `CodeState`; by each
 * for itself while that is away. A right password ends the wait of the code: whoever has it is no guesser.
 */
@Injectable()
export class PasswordDesk {
  private readonly failures: RateLimiterAbstract;
  private readonly waits: RateLimiterAbstract;

  constructor(codeState: CodeState) {
    const duration = FORGIVEN_AFTER_SECONDS;
    this.failures = codeState.limiter({ keyPrefix: 'password-failures', points: FREE_FAILURES, duration });
    this.waits = codeState.limiter({ keyPrefix: 'password-wait', points: 1, duration });
  }

  /** @throws SignetError `too-many-requests` while the code waits; `unavailable` when too many passwords are checked */
  async check({ key, passwordHash, password, at }: PasswordAttempt): Promise<PasswordVerdict> {
    // Asked again when it is this one's turn: those before it may have failed meanwhile.
    await this.mustNotWait(key);
    const isRight = await verifyPassword(passwordHash, password, () => this.mustNotWait(key));
    if (!isRight) return { isRight, excess: await this.countFailure(key, at) };
    await Promise.all([this.failures.delete(key), this.waits.delete(key)]);
    return { isRight };
  }

  private async mustNotWait(key: string): Promise<void> {
    const wait = await this.waits.get(key);
    if (wait && wait.msBeforeNext > 0)
      throw new SignetError('too-many-requests', { retryAfter: wait.msBeforeNext / 1000 });
  }

  private async countFailure(key: string, at: Date): Promise<Excess | undefined> {
    const { consumedPoints: count } = await this.failures.penalty(key);
    const wait = waitAfter(count);
    await Promise.all([
      // From now on, not from the first failure.
      this.failures.set(key, count, FORGIVEN_AFTER_SECONDS),
      ...(wait > 0 ? [this.waits.set(key, 1, wait)] : []),
    ]);
    if (count !== FREE_FAILURES) return undefined;
    const from = new Date(at.getTime() - FORGIVEN_AFTER_SECONDS * 1000);
    return { count, limit: FREE_FAILURES, windowSeconds: FORGIVEN_AFTER_SECONDS, from, to: at };
  }
}

/** Seconds. */
const waitAfter = (count: number): number =>
  count < FREE_FAILURES ? 0 : Math.min(FIRST_WAIT_SECONDS * 2 ** (count - FREE_FAILURES), LONGEST_WAIT_SECONDS);
