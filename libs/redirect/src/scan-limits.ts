import { SignetConfig, SignetError, subscriberOf } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

const MINUTE_SECONDS = 60;

/** @param perMinute 0: no limit */
const limiterOf = (keyPrefix: string, perMinute: number): RateLimiterMemory | undefined =>
  perMinute === 0 ? undefined : new RateLimiterMemory({ keyPrefix, points: perMinute, duration: MINUTE_SECONDS });

/** @throws SignetError `too-many-requests` with the seconds to wait */
async function take(limiter: RateLimiterMemory | undefined, key: string): Promise<void> {
  try {
    await limiter?.consume(key);
  } catch (refusal) {
    const wait = refusal instanceof RateLimiterRes ? refusal.msBeforeNext : 1000;
    throw new SignetError('too-many-requests', { retryAfter: Math.max(1, wait / 1000) });
  }
}

/** How often an address may guess slugs, claim a code, and ask whether we issued one. Per process. */
@Injectable()
export class ScanLimits {
  private readonly unknownSlugs: RateLimiterMemory | undefined;
  private readonly claims: RateLimiterMemory | undefined;
  private readonly originChecks: RateLimiterMemory | undefined;

  constructor({ values }: SignetConfig) {
    this.unknownSlugs = limiterOf('unknown', values.SIGNET_UNKNOWN_SLUGS_PER_MINUTE);
    this.claims = limiterOf('claim', values.SIGNET_CLAIMS_PER_MINUTE);
    this.originChecks = limiterOf('origin', values.SIGNET_ORIGIN_CHECKS_PER_MINUTE);
  }

  /** Whether the next unknown slug of this address will be one too many. */
  async isGuessing(ip: string): Promise<boolean> {
    const taken = await this.unknownSlugs?.get(subscriberOf(ip));
    return this.unknownSlugs !== undefined && (taken?.consumedPoints ?? 0) >= this.unknownSlugs.points;
  }

  /** @throws SignetError `too-many-requests` */
  takeUnknownSlug(ip: string): Promise<void> {
    return take(this.unknownSlugs, subscriberOf(ip));
  }

  /** @throws SignetError `too-many-requests` */
  takeClaim(ip: string, key: string): Promise<void> {
    return take(this.claims, `${subscriberOf(ip)} ${key}`);
  }

  /** @throws SignetError `too-many-requests` */
  takeOriginCheck(ip: string): Promise<void> {
    return take(this.originChecks, subscriberOf(ip));
  }
}
