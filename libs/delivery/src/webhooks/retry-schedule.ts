/** Seconds after each failed attempt, as Standard Webhooks proposes them: about three days in all. */
const WAITS_SECONDS = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];
/** So that what failed together does not come together again. */
const JITTER = 0.2;

export const MAX_ATTEMPTS = WAITS_SECONDS.length + 1;

interface Failure {
  /** 1 for the first. */
  attempt: number;
  at: Date;
  /** What the receiver asked for, in seconds; it can make the wait longer, up to twice. */
  retryAfter?: number;
  /** 0 to 1. */
  random: number;
}

/** @returns when to try again; undefined when it was tried often enough */
export function nextAttemptAt({ attempt, at, retryAfter = 0, random }: Failure): Date | undefined {
  const wait = WAITS_SECONDS[attempt - 1];
  if (wait === undefined) return undefined;
  const asked = Math.min(Math.max(retryAfter, wait), Math.max(2 * wait, 60));
  return new Date(at.getTime() + asked * 1000 * (1 - JITTER + 2 * JITTER * random));
}

/** @param header `Retry-After`: seconds, or a date (RFC 9110 §10.2.3) @returns seconds; undefined when it is neither */
export function retryAfterSeconds(header: string | undefined, at: Date): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header);
  const until = header.endsWith(' GMT') ? Date.parse(header) : Number.NaN;
  return Number.isNaN(until) ? undefined : Math.max(0, (until - at.getTime()) / 1000);
}
