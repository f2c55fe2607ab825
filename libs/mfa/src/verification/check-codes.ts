import type { EntityManager } from 'typeorm';
import type { CodeCheck, FactorKind } from '../factor-kind.js';
import type { FactorType } from '../factor.js';
import type { AttemptWithCandidates } from './find-candidates.js';

export type FactorKinds = Readonly<Record<FactorType, FactorKind>>;

export interface CheckedAttempt extends AttemptWithCandidates {
  check: CodeCheck;
}

/** Each code by the kind of its factor; a right one is used up. */
export async function checkCodes(
  manager: EntityManager,
  kinds: FactorKinds,
  attempts: readonly AttemptWithCandidates[],
): Promise<CheckedAttempt[]> {
  const checks = new Map<AttemptWithCandidates, CodeCheck>();
  for (const [type, ofType] of Map.groupBy(attempts, ({ attempt }) => attempt.factor)) {
    const results = await kinds[type].check(manager, ofType.map(toCodeAttempt));
    for (const [index, one] of ofType.entries()) checks.set(one, results[index] ?? { result: 'invalid' });
  }
  return attempts.map((one) => ({ ...one, check: checks.get(one) ?? { result: 'invalid' } }));
}

const toCodeAttempt = ({ attempt, subject, candidates, terms }: AttemptWithCandidates) => ({
  subjectId: subject?.id,
  candidates,
  code: attempt.code,
  at: attempt.at,
  ip: attempt.network,
  country: attempt.context?.country,
  pastSteps: terms.totp.driftSteps,
});
