import { createHash } from 'node:crypto';
import { SignetConfig, SignetError, subscriberOf } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

const MINUTE_SECONDS = 60;

/** How often an address may guess links, and send the forms of one. Per process, as at the redirect. */
@Injectable()
export class ClaimLimits {
  private readonly unknownSlugs: RateLimiterMemory | undefined;
  private readonly claims: RateLimiterMemory | undefined;

  constructor({ values }: SignetConfig) {
    this.unknownSlugs = limiterOf('unknown', values.SIGNET_UNKNOWN_SLUGS_PER_MINUTE);
    this.claims = limiterOf('claim', values.SIGNET_CLAIMS_PER_MINUTE);
  }

  /** @throws SignetError `too-many-requests` */
  takeUnknownSlug(ip: string): Promise<void> {
    return take(this.unknownSlugs, subscriberOf(ip));
  }

  /** @throws SignetError `too-many-requests` */
  takeClaim(ip: string, slug: string): Promise<void> {
    return take(this.claims, `${subscriberOf(ip)} ${createHash('sha256').update(slug).digest('base64url')}`);
  }
}

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
