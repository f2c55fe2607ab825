import type { EntityManager } from 'typeorm';
import type { CodeCheck, FactorKind } from '../factor-kind.js';
import { attemptsLeft } from '../throttle.js';
import type { Attempt, Decision } from './attempt.js';
import { countAttempt, settleCount } from './count-attempt.js';
import { findCandidates, type Candidates } from './find-candidates.js';
import { lockTarget } from './lock-target.js';
import { recordAttempt } from './record-attempt.js';
import { refuseWhileWaiting } from './refuse-while-waiting.js';

/**
 * Decides an attempt: security.md §2, in its order, in one transaction.
 * @throws SignetError `too-many-attempts`: nothing was evaluated and nothing is written yet
 */
export async function decideAttempt(manager: EntityManager, kind: FactorKind, attempt: Attempt): Promise<Decision> {
  const { code, at } = attempt;
  const target = await lockTarget(manager, attempt);
  refuseWhileWaiting(target.throttle, at);
  const { factors: candidates, whyNone } = await findCandidates(manager, target, kind.type);
  await countAttempt(manager, attempt, { target, candidates });
  const subjectId = target.subject?.id;
  const check = await kind.check(manager, { subjectId, candidates, code, at });
  const throttle = await settleCount(manager, attempt, { target, candidates, check });
  const decision = {
    ...outcomeOf(check, { factors: candidates, whyNone }),
    subjectId,
    attemptsLeft: attemptsLeft(throttle),
  };
  await recordAttempt(manager, attempt, decision);
  return decision;
}

function outcomeOf(
  check: CodeCheck,
  { factors, whyNone }: Candidates,
): Pick<Decision, 'result' | 'reason' | 'factorId'> {
  if (check.result === 'accepted') return { result: 'accepted', factorId: check.factorId };
  if (check.result === 'replayed') return { result: 'rejected', reason: 'replayed', factorId: check.factorId };
  const [only, ...others] = factors;
  if (!only) return { result: 'rejected', reason: whyNone };
  return { result: 'rejected', reason: 'invalid_code', ...(others.length === 0 && { factorId: only.id }) };
}
