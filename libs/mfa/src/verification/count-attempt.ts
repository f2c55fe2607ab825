import { appendAudit } from '@signet/audit';
import { truncateIp } from '@signet/platform';
import type { EntityManager } from 'typeorm';
import type { CodeCheck } from '../factor-kind.js';
import type { StoredFactor } from '../factor.js';
import { countFactorFailures, lockFailedFactors, noteFactorUse, uncountFactorFailures } from '../factors.sql.js';
import { afterFailure, LOCK_AFTER_FAILURES, type Throttle } from '../throttle.js';
import { writeStrangerThrottle, writeSubjectThrottle } from '../throttle.sql.js';
import type { Attempt } from './attempt.js';
import type { Target } from './lock-target.js';

const idsOf = (factors: readonly StoredFactor[]): string[] => factors.map(({ id }) => id);

interface Counted {
  target: Target;
  candidates: readonly StoredFactor[];
}

/** Counts a failure of the subject and of each candidate *before* the code is compared (NIST SP 800-63B-4 §3.1.3). */
export async function countAttempt(
  manager: EntityManager,
  attempt: Attempt,
  { target, candidates }: Counted,
): Promise<void> {
  await writeThrottle(manager, attempt, { ...target, throttle: afterFailure(target.throttle, attempt.at) });
  await countFactorFailures(manager, idsOf(candidates));
}

/**
 * Makes of what was counted what it turned out to be: a success resets its own factor and its subject and nobody else;
 * a replayed code is no failure, else a resend would lock its owner out; a failure stays, and the twentieth in a row
 * locks the factor.
 * @returns the throttle as it is now
 */
export async function settleCount(
  manager: EntityManager,
  attempt: Attempt,
  { target, candidates, check }: Counted & { check: CodeCheck },
): Promise<Throttle> {
  const ids = idsOf(candidates);
  if (check.result === 'invalid') {
    const locked = await lockFailedFactors(manager, ids, LOCK_AFTER_FAILURES);
    for (const factorId of locked) await auditLock(manager, attempt, factorId);
    return afterFailure(target.throttle, attempt.at);
  }
  await uncountFactorFailures(manager, ids);
  if (check.result === 'accepted')
    await noteFactorUse(manager, check.factorId, { at: attempt.at, from: placeOf(attempt) });
  const settled = check.result === 'accepted' ? { failures: 0, waitUntil: null } : target.throttle;
  await writeThrottle(manager, attempt, { ...target, throttle: settled });
  return settled;
}

const placeOf = ({ context }: Attempt): { ip: string | undefined; country: string | undefined } => ({
  ip: context?.ip && truncateIp(context.ip),
  country: context?.country,
});

function writeThrottle(
  manager: EntityManager,
  { caller, subject: name }: Attempt,
  { subject, throttle }: Target,
): Promise<void> {
  if (subject) return writeSubjectThrottle(manager, subject.id, throttle);
  return writeStrangerThrottle(manager, { workspaceId: caller.workspaceId, subject: name }, throttle);
}

const auditLock = (manager: EntityManager, { caller, subject, at }: Attempt, factorId: string): Promise<void> =>
  appendAudit(manager, {
    at,
    workspaceId: caller.workspaceId,
    actor: 'system',
    action: 'factor.lock',
    subject,
    factorId,
    reason: 'too-many-failures',
    requestId: caller.requestId,
  });
