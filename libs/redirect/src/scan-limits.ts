import { CodeState, SignetConfig, SignetError, subscriberOf } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { RateLimiterMemory, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';

const MINUTE_SECONDS = 60;

/**
 * @returns what is left; undefined when there is no limit
 * @throws SignetError `too-many-requests` with the seconds to wait
 */
async function take(limiter: RateLimiterAbstract | undefined, key: string): Promise<RateLimiterRes | undefined> {
  try {
    return await limiter?.consume(key);
  } catch (refusal) {
    const wait = refusal instanceof RateLimiterRes ? refusal.msBeforeNext : 1000;
    throw new SignetError('too-many-requests', { retryAfter: Math.max(1, wait / 1000) });
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

  /** @throws SignetError `too-many-requests` */
  async takeUnknownSlug(ip: string): Promise<void> {
    const subscriber = subscriberOf(ip);
    const left = await take(this.unknownSlugs, subscriber);
    if (left?.remainingPoints === 0) await this.guessers.block(subscriber, left.msBeforeNext / 1000);
  }

  /** @throws SignetError `too-many-requests` */
  async takeClaim(ip: string, key: string): Promise<void> {
    await take(this.claims, `${subscriberOf(ip)} ${key}`);
  }

  /** @throws SignetError `too-many-requests` */
  async takeOriginCheck(ip: string): Promise<void> {
    await take(this.originChecks, subscriberOf(ip));
  }
}
