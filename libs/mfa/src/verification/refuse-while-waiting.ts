import { SignetError } from '@signet/platform';
import { secondsToWait, type Throttle } from '../throttle.js';

/**
 * While a subject waits nothing is evaluated, so that guessing gains nothing (NIST SP 800-63B-4 §3.2.2).
 * @throws SignetError `too-many-attempts` with the seconds to wait
 */
export function refuseWhileWaiting(throttle: Throttle, at: Date): void {
  const retryAfter = secondsToWait(throttle, at);
  if (retryAfter > 0) throw new SignetError('too-many-attempts', { retryAfter, attemptsLeft: 0 });
}
