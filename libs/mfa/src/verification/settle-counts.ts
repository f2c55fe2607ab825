import { appendAudits } from '@signet/audit';
import type { EntityManager } from 'typeorm';
import { countFactorFailures } from '../factors.sql.js';
import { afterFailure, LOCK_AFTER_FAILURES, type Throttle } from '../throttle.js';
import { writeStrangerThrottles, writeSubjectThrottles } from '../throttle.sql.js';
import { nameOf, type Attempt } from './attempt.js';
import type { CheckedAttempt } from './check-codes.js';

export interface SettledAttempt extends CheckedAttempt {
  /** As it is after this attempt. */
  settled: Throttle;
}

/**
 * Counts what the codes turned out to be: a failure counts for the subject and for each candidate, and the twentieth in a
 * row locks the factor; a success resets its subject, as it reset its own factor, and nobody else; a replayed code is no failure,
 * else a resend would lock its owner out. NIST SP 800-63B-4 §3.1.3 wants failures counted before the code is compared:
 * count and comparison are one transaction, of which nothing is told before it is durable.
 */
export async function settleCounts(
  manager: EntityManager,
  attempts: readonly CheckedAttempt[],
): Promise<SettledAttempt[]> {
  const settled = attempts.map((one) => ({ ...one, settled: throttleAfter(one) }));
  await writeThrottles(
    manager,
    settled.filter(({ throttle, settled: after }) => !isSame(throttle, after)),
  );
  await countFailures(
    manager,
    settled.filter(({ check }) => check.result === 'invalid'),
  );
  return settled;
}

function throttleAfter({ check, throttle, attempt }: CheckedAttempt): Throttle {
  if (check.result === 'invalid') return afterFailure(throttle, attempt.at);
  return check.result === 'accepted' ? { failures: 0, waitUntil: null } : throttle;
}

const isSame = (one: Throttle, other: Throttle): boolean =>
  one.failures === other.failures && one.waitUntil?.getTime() === other.waitUntil?.getTime();

async function writeThrottles(manager: EntityManager, attempts: readonly SettledAttempt[]): Promise<void> {
  await writeSubjectThrottles(
    manager,
    attempts.flatMap(({ subject, settled }) => (subject ? [{ subjectId: subject.id, ...settled }] : [])),
  );
  await writeStrangerThrottles(
    manager,
    attempts.flatMap(({ subject, attempt, settled }) => (subject ? [] : [{ ...nameOf(attempt), ...settled }])),
  );
}

async function countFailures(manager: EntityManager, failed: readonly CheckedAttempt[]): Promise<void> {
  const byFactor = new Map(failed.flatMap(({ attempt, candidates }) => candidates.map(({ id }) => [id, attempt])));
  const locked = await countFactorFailures(manager, [...byFactor.keys()], LOCK_AFTER_FAILURES);
  await appendAudits(
    manager,
    locked.flatMap((factorId) => {
      const attempt = byFactor.get(factorId);
      return attempt ? [toLockEntry(attempt, factorId)] : [];
    }),
  );
}

const toLockEntry = ({ caller, subject, at }: Attempt, factorId: string) => ({
  at,
  workspaceId: caller.workspaceId,
  actor: 'system',
  action: 'factor.lock',
  subject,
  factorId,
  reason: 'too-many-failures',
  requestId: caller.requestId,
});
