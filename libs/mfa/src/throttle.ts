/** Failures and waiting time of a subject, or of a name that is nobody's. */
export interface Throttle {
  /** In a row, over all factor kinds. */
  failures: number;
  /** Until then nothing is evaluated. */
  waitUntil: Date | null;
}

/** Failures before the first wait (security.md §2). */
const FREE_FAILURES = 5;
const FIRST_WAIT_SECONDS = 30;
const LONGEST_WAIT_SECONDS = 3600;

/** Failures in a row that lock a factor. NIST SP 800-63B-4 §3.2.2 allows up to 100. */
export const LOCK_AFTER_FAILURES = 20;

/** What the throttle is after one more failure: from the fifth on a wait of 30 s, 1, 2, 4 … minutes, an hour at most. */
export function afterFailure({ failures }: Throttle, at: Date): Throttle {
  const counted = failures + 1;
  if (counted < FREE_FAILURES) return { failures: counted, waitUntil: null };
  const seconds = Math.min(FIRST_WAIT_SECONDS * 2 ** (counted - FREE_FAILURES), LONGEST_WAIT_SECONDS);
  return { failures: counted, waitUntil: new Date(at.getTime() + seconds * 1000) };
}

/** @returns the seconds that are left to wait; 0 when an attempt may be evaluated */
export const secondsToWait = ({ waitUntil }: Throttle, at: Date): number =>
  waitUntil && waitUntil > at ? Math.ceil((waitUntil.getTime() - at.getTime()) / 1000) : 0;

/** How many more failures are free of a wait. */
export const attemptsLeft = ({ failures }: Throttle): number => Math.max(0, FREE_FAILURES - failures);
