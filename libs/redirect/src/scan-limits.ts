import { CodeState, SignetConfig, SignetError, subscriberOf } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { RateLimiterMemory, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';

const MINUTE_SECONDS = 60;

/** Tries within the window of a limit: the first one too many comes last. */
export interface Excess {
  count: number;
  limit: number;
  windowSeconds: number;
  from: Date;
  to: Date;
}

/** `too-many-requests`. */
export class LimitExceeded extends SignetError {
  /** @param excess of the first try too many, over all processes; absent for those after it */
  constructor(
    retryAfter: number,
    readonly excess?: Excess,
  ) {
    super('too-many-requests', { retryAfter });
  }
}

/**
 * @returns what is left; undefined when there is no limit
 * @throws LimitExceeded with the seconds to wait
 */
async function take(
  limiter: RateLimiterAbstract | undefined,
  key: string,
  at: Date,
): Promise<RateLimiterRes | undefined> {
  try {
    return await limiter?.consume(key);
  } catch (refusal) {
    if (!limiter || !(refusal instanceof RateLimiterRes)) throw new LimitExceeded(1);
    const { consumedPoints: count, msBeforeNext } = refusal;
    const { points: limit, duration: windowSeconds } = limiter;
    const from = new Date(at.getTime() - windowSeconds * 1000 + msBeforeNext);
    const excess = count === limit + 1 ? { count, limit, windowSeconds, from, to: at } : undefined;
    throw new LimitExceeded(Math.max(1, msBeforeNext / 1000), excess);
  }
}

/**
 * How often an address may guess slugs, claim a code (which trying its password is, too), and ask whether we issued one.
 * Counted over all processes in `CodeState`; by each for itself while that is away.
 */
@Injectable()
export class ScanLimits {
  private readonly unknownSlugs: RateLimiterAbstract | undefined;
  /** Addresses that this process has seen guess too often: who scans a known code costs no look at the shared count. */
  private readonly guessers = new RateLimiterMemory({ points: 1, duration: MINUTE_SECONDS });
  private readonly claims: RateLimiterAbstract | undefined;
  private readonly originChecks: RateLimiterAbstract | undefined;

  constructor(codeState: CodeState, { values }: SignetConfig) {
    /** @param points a minute; 0: no limit */
    const limiterOf = (keyPrefix: string, points: number): RateLimiterAbstract | undefined =>
      points === 0 ? undefined : codeState.limiter({ keyPrefix, points, duration: MINUTE_SECONDS });
    this.unknownSlugs = limiterOf('unknown', values.SIGNET_UNKNOWN_SLUGS_PER_MINUTE);
    this.claims = limiterOf('claim', values.SIGNET_CLAIMS_PER_MINUTE);
    this.originChecks = limiterOf('origin', values.SIGNET_ORIGIN_CHECKS_PER_MINUTE);
  }

  /** Whether the next unknown slug of this address will be one too many. */
  async isGuessing(ip: string): Promise<boolean> {
    return (await this.guessers.get(subscriberOf(ip))) !== null;
  }

  /** @throws LimitExceeded */
  async takeUnknownSlug(ip: string, at: Date): Promise<void> {
    const subscriber = subscriberOf(ip);
    const left = await take(this.unknownSlugs, subscriber, at);
    if (left?.remainingPoints === 0) await this.guessers.block(subscriber, left.msBeforeNext / 1000);
  }

  /** @throws LimitExceeded */
  async takeClaim(ip: string, key: string, at: Date): Promise<void> {
    await take(this.claims, `${subscriberOf(ip)} ${key}`, at);
  }

  /** @throws LimitExceeded */
  async takeOriginCheck(ip: string, at: Date): Promise<void> {
    await take(this.originChecks, subscriberOf(ip), at);
  }
}
