import type { EntityManager } from 'typeorm';
import { attemptsLeft } from '../throttle.js';
import { applicableTerms } from './applicable-terms.js';
import type { Decision } from './attempt.js';
import { checkCodes, type FactorKinds } from './check-codes.js';
import { openDemand, type OpenDemand } from './demand-step-up.js';
import { findCandidates } from './find-candidates.js';
import type { LockedAttempt } from './lock-targets.js';
import { noticeReplay } from './notice-replay.js';
import { recordAttempts } from './record-attempts.js';
import { settleCounts, type SettledAttempt } from './settle-counts.js';

/**
 * Decides attempts of different subjects, none of whom has to wait: security.md §2, in its order, in the transaction that
 * holds their locks.
 * @returns in the order of the attempts
 */
export async function decideAttempts(
  manager: EntityManager,
  kinds: FactorKinds,
  locked: readonly LockedAttempt[],
): Promise<Decision[]> {
  if (locked.length === 0) return [];
  const governed = await applicableTerms(manager, locked);
  const withCandidates = await findCandidates(manager, governed);
  const checked = await checkCodes(manager, kinds, withCandidates);
  const settled = await settleCounts(manager, checked);
  const decided = [];
  for (const one of settled)
    decided.push({ attempt: one.attempt, decision: decisionOf(one, await openDemand(manager, one)) });
  await recordAttempts(manager, decided);
  for (const one of settled) await noticeReplay(manager, one);
  return decided.map(({ decision }) => decision);
}

const decisionOf = (one: SettledAttempt, demand: OpenDemand | undefined): Decision => ({
  ...outcomeOf(one, demand),
  ...(one.subject && { subjectId: one.subject.id }),
  attemptsLeft: attemptsLeft(one.settled),
});

function outcomeOf(
  { check, candidates, whyNone }: SettledAttempt,
  demand: OpenDemand | undefined,
): Pick<Decision, 'result' | 'reason' | 'factorId' | 'stepUp'> {
  if (check.result === 'accepted' && demand) return { result: 'step_up', factorId: check.factorId, ...demand };
  if (check.result === 'accepted') return { result: 'accepted', factorId: check.factorId };
  if (check.result === 'replayed') return { result: 'rejected', reason: 'replayed', factorId: check.factorId };
  const [only, ...others] = candidates;
  if (!only) return { result: 'rejected', reason: whyNone };
  return { result: 'rejected', reason: 'invalid_code', ...(others.length === 0 && { factorId: only.id }) };
}
