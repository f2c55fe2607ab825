import type { RejectionReason } from '@signet/contracts';
import { acceptedKinds } from '@signet/policies';
import type { EntityManager } from 'typeorm';
import type { StoredFactor } from '../factor.js';
import { readFactorsOfKinds } from '../factors.sql.js';
import type { GovernedAttempt } from './applicable-terms.js';

export interface AttemptWithCandidates extends GovernedAttempt {
  /** The factors against which the code is evaluated. */
  candidates: readonly StoredFactor[];
  /** Why a code can't be right, where there is nothing to evaluate. */
  whyNone: RejectionReason;
}

/** Active factors of the kind, where the policy accepts it; a locked or revoked one is refused without evaluating. */
export async function findCandidates(
  manager: EntityManager,
  attempts: readonly GovernedAttempt[],
): Promise<AttemptWithCandidates[]> {
  const wanted = attempts.flatMap(({ subject, attempt }) =>
    subject ? [{ subjectId: subject.id, type: attempt.factor }] : [],
  );
  const factors = Map.groupBy(await readFactorsOfKinds(manager, wanted), ({ subjectId }) => subjectId);
  return attempts.map((governed) => {
    const all = factors.get(governed.subject?.id ?? '') ?? [];
    const whyNone = whyNoneCounts(governed);
    if (whyNone !== undefined) return { ...governed, candidates: [], whyNone };
    const candidates = all.filter(({ status }) => status === 'active');
    return { ...governed, candidates, whyNone: whyNoneOf(all) };
  });
}

/** Why no factor of the subject counts, whatever it has. */
function whyNoneCounts({ subject, terms, attempt }: GovernedAttempt): RejectionReason | undefined {
  if (!subject) return 'unknown_subject';
  if (subject.status !== 'active') return subject.status;
  return acceptedKinds(terms).includes(attempt.factor) ? undefined : 'not_allowed';
}

function whyNoneOf(factors: readonly StoredFactor[]): RejectionReason {
  if (factors.some(({ status }) => status === 'locked')) return 'locked';
  // One that was never confirmed was never a factor of its subject.
  if (factors.some(({ status, confirmedAt }) => status === 'revoked' && confirmedAt)) return 'revoked';
  return 'no_factor';
}
