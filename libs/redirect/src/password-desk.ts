import { Clock, SignetError, verifyPassword } from '@signet/platform';
import { Injectable } from '@nestjs/common';

/** Mistyping is free so often. */
const FREE_FAILURES = 10;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 5 * 60_000;
/** After so long without a failure the earlier ones are forgiven. */
const FORGIVEN_AFTER_MS = 15 * 60_000;
const MAX_CODES = 10_000;

interface Failures {
  count: number;
  lastMs: number;
}

export interface PasswordAttempt {
  key: string;
  passwordHash: string;
  password: string;
}

/**
 * Checks the passwords of codes. Beside the limit for each address (`ScanLimits`), which many addresses together get
 * around, a code waits ever longer after failures, whoever made them. Per process, so that guessing at N of them is N
 * times as fast; a right password ends the wait of the code, because whoever has it is no guesser.
 */
@Injectable()
export class PasswordDesk {
  private readonly failures = new Map<string, Failures>();

  constructor(private readonly clock: Clock) {}

  /** @throws SignetError `too-many-requests` while the code waits; `unavailable` when too many passwords are checked */
  async isRight({ key, passwordHash, password }: PasswordAttempt): Promise<boolean> {
    // Asked again when it is this one's turn: those before it may have failed meanwhile.
    this.mustNotWait(key);
    const isRight = await verifyPassword(passwordHash, password, () => this.mustNotWait(key));
    if (isRight) this.failures.delete(key);
    else this.countFailure(key);
    return isRight;
  }

  private mustNotWait(key: string): void {
    const failures = this.failures.get(key);
    if (!failures) return;
    const waitMs = failures.lastMs + waitAfter(failures.count) - this.clock.now().getTime();
    if (waitMs > 0) throw new SignetError('too-many-requests', { retryAfter: waitMs / 1000 });
  }

  private countFailure(key: string): void {
    const nowMs = this.clock.now().getTime();
    const before = this.failures.get(key);
    const isForgiven = before === undefined || nowMs - before.lastMs > FORGIVEN_AFTER_MS;
    // Deleted first, so that the code which failed longest ago is the first of the map.
    this.failures.delete(key);
    this.failures.set(key, { count: isForgiven ? 1 : before.count + 1, lastMs: nowMs });
    const [oldest] = this.failures.keys();
    if (this.failures.size > MAX_CODES && oldest !== undefined) this.failures.delete(oldest);
  }
}

const waitAfter = (count: number): number =>
  count < FREE_FAILURES ? 0 : Math.min(FIRST_WAIT_MS * 2 ** (count - FREE_FAILURES), LONGEST_WAIT_MS);
