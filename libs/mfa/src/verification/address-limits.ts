import { SignetConfig, subscriberOf } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Attempt } from './attempt.js';
import { tooManyAttempts } from './group-decision.js';

const MINUTE_SECONDS = 60;

/**
 * How many wrong codes an address may send, whoever they are for: the throttle of a subject does not see one guess for
 * each of many. The address is the one that the relying party names, never its own. Per process.
 */
@Injectable()
export class AddressLimits {
  private readonly limiter: RateLimiterMemory | undefined;

  constructor({ values }: SignetConfig) {
    const points = values.SIGNET_FAILED_VERIFICATIONS_PER_MINUTE;
    if (points > 0) this.limiter = new RateLimiterMemory({ keyPrefix: 'failed', points, duration: MINUTE_SECONDS });
  }

  /**
   * Takes a token before anything is compared.
   * @throws SignetError `too-many-attempts` with the seconds to wait
   */
  async take(attempt: Attempt): Promise<void> {
    const key = keyOf(attempt);
    if (key === undefined) return;
    try {
      await this.limiter?.consume(key);
    } catch (refusal) {
      const wait = refusal instanceof RateLimiterRes ? refusal.msBeforeNext : 1000;
      throw tooManyAttempts(Math.max(1, wait / 1000));
    }
  }

  /** A code that was right costs nothing: an office behind one address signs in as often as it likes. */
  async giveBack(attempt: Attempt): Promise<void> {
    const key = keyOf(attempt);
    if (key !== undefined) await this.limiter?.reward(key);
  }
}

const keyOf = ({ caller, context }: Attempt): string | undefined =>
  context?.ip && `${caller.workspaceId} ${subscriberOf(context.ip)}`;
