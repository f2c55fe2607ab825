import type { PolicyTerms, RejectionReason } from '@signet/contracts';
import { acceptedKinds } from '@signet/policies';
import type { EntityManager } from 'typeorm';
import type { FactorType, StoredFactor } from '../factor.js';
import { readFactors } from '../factors.sql.js';
import type { Target } from './lock-target.js';

export interface Candidates {
  /** The factors against which the code is evaluated. */
  factors: readonly StoredFactor[];
  /** Why a code can't be right, where there is nothing to evaluate. */
  whyNone: RejectionReason;
}

/** Active factors of the kind, where the policy accepts it; a locked or revoked one is refused without evaluating. */
export async function findCandidates(
  manager: EntityManager,
  { subject }: Target,
  { type, terms }: { type: FactorType; terms: PolicyTerms },
): Promise<Candidates> {
  if (!subject) return { factors: [], whyNone: 'unknown_subject' };
  const all = await readFactors(manager, subject.id, type);
  if (subject.status !== 'active') return { factors: [], whyNone: subject.status };
  if (!acceptedKinds(terms).includes(type)) return { factors: [], whyNone: 'not_allowed' };
  return { factors: all.filter(({ status }) => status === 'active'), whyNone: whyNoneOf(all) };
}

function whyNoneOf(factors: readonly StoredFactor[]): RejectionReason {
  if (factors.some(({ status }) => status === 'locked')) return 'locked';
  // One that was never confirmed was never a factor of its subject.
  if (factors.some(({ status, confirmedAt }) => status === 'revoked' && confirmedAt)) return 'revoked';
  return 'no_factor';
}
