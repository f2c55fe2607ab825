import { SignetError } from '@signet/platform';
import { BurstyRateLimiter, RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

/** Requests of an API key: a sustained rate, and a burst that it may save up. Per process. */
export class RequestLimiter {
  private readonly limiter?: BurstyRateLimiter;

  /** @param perSecond 0: no limit */
  constructor({ perSecond, burst }: { perSecond: number; burst: number }) {
    if (perSecond === 0) return;
    this.limiter = new BurstyRateLimiter(
      new RateLimiterMemory({ keyPrefix: 'rate', points: perSecond, duration: 1 }),
      new RateLimiterMemory({ keyPrefix: 'burst', points: burst, duration: Math.max(1, Math.ceil(burst / perSecond)) }),
    );
  }

  /** @throws SignetError `too-many-requests` with the seconds to wait */
  async take(keyId: string): Promise<void> {
    try {
      await this.limiter?.consume(keyId);
    } catch (refusal) {
      const wait = refusal instanceof RateLimiterRes ? refusal.msBeforeNext : 1000;
      throw new SignetError('too-many-requests', { retryAfter: Math.max(1, wait / 1000) });
    }
  }
}
