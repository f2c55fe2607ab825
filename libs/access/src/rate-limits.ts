import { SignetError } from '@signet/platform';
import { BurstyRateLimiter, RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

/** How a limit stands after a request. */
export interface Standing {
  name: 'requests' | 'writes';
  /** In `windowSeconds`. */
  quota: number;
  windowSeconds: number;
  remaining: number;
  resetSeconds: number;
  /** This request was one too many. */
  refused: boolean;
}

/** Requests of an API key: a sustained rate, and a burst that it may save up. Per process. */
export class RequestLimiter {
  private readonly limiter?: BurstyRateLimiter;
  private readonly perSecond: number;

  /** @param perSecond 0: no limit */
  constructor({ perSecond, burst }: { perSecond: number; burst: number }) {
    this.perSecond = perSecond;
    if (perSecond === 0) return;
    this.limiter = new BurstyRateLimiter(
      new RateLimiterMemory({ keyPrefix: 'rate', points: perSecond, duration: 1 }),
      new RateLimiterMemory({ keyPrefix: 'burst', points: burst, duration: Math.max(1, Math.ceil(burst / perSecond)) }),
    );
  }

  /** @returns undefined when there is no limit */
  async take(keyId: string): Promise<Standing | undefined> {
    if (!this.limiter) return undefined;
    const limit = { name: 'requests' as const, quota: this.perSecond, windowSeconds: 1 };
    try {
      const taken = await this.limiter.consume(keyId);
      return { ...limit, remaining: taken?.remainingPoints ?? 0, resetSeconds: 1, refused: false };
    } catch (refusal) {
      const wait = refusal instanceof RateLimiterRes ? refusal.msBeforeNext : 1000;
      return { ...limit, remaining: 0, resetSeconds: seconds(wait), refused: true };
    }
  }
}

const MINUTE_SECONDS = 60;

/** Calls of an API key that change something. Per process; each workspace may have its own limit. */
export class WriteLimiter {
  private readonly counts = new RateLimiterMemory({
    keyPrefix: 'writes',
    points: Number.MAX_SAFE_INTEGER,
    duration: MINUTE_SECONDS,
  });

  /** @param quota 0: no limit */
  async take(keyId: string, quota: number): Promise<Standing | undefined> {
    if (quota === 0) return undefined;
    const { consumedPoints, msBeforeNext } = await this.counts.consume(keyId);
    return {
      name: 'writes',
      quota,
      windowSeconds: MINUTE_SECONDS,
      remaining: Math.max(0, quota - consumedPoints),
      resetSeconds: seconds(msBeforeNext),
      refused: consumedPoints > quota,
    };
  }
}

const seconds = (milliseconds: number): number => Math.max(1, Math.ceil(milliseconds / 1000));

/** The header fields of draft-ietf-httpapi-ratelimit-headers, by which a client can slow down before it is refused. */
export const rateLimitHeaders = (standings: readonly Standing[]): Record<string, string> => ({
  'ratelimit-policy': standings
    .map(({ name, quota, windowSeconds }) => `"${name}";q=${quota};w=${windowSeconds}`)
    .join(', '),
  ratelimit: standings
    .map(({ name, remaining, resetSeconds }) => `"${name}";r=${remaining};t=${resetSeconds}`)
    .join(', '),
});

/** @throws SignetError `too-many-requests` with the seconds to wait when any of them refused */
export function refuseExcess(standings: readonly Standing[]): void {
  const refused = standings.find((standing) => standing.refused);
  if (!refused) return;
  const { name, quota, windowSeconds, resetSeconds } = refused;
  const detail = `At most ${quota} ${name} in ${windowSeconds === 1 ? 'a second' : `${windowSeconds} seconds`}`;
  throw new SignetError('too-many-requests', { detail, limit: quota, retryAfter: resetSeconds });
}
