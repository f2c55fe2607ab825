import type { EntityManager } from 'typeorm';
import type { CodeCheck, FactorKind } from '../factor-kind.js';
import { attemptsLeft } from '../throttle.js';
import { applicableTerms } from './applicable-terms.js';
import type { Attempt, Decision } from './attempt.js';
import { countAttempt, settleCount } from './count-attempt.js';
import { openDemand, type OpenDemand } from './demand-step-up.js';
import { findCandidates, type Candidates } from './find-candidates.js';
import { lockTarget } from './lock-target.js';
import { noticeReplay } from './notice-replay.js';
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
  const { terms, stepUp } = await applicableTerms(manager, target, attempt);
  const candidates = await findCandidates(manager, target, { type: kind.type, terms });
  const { factors } = candidates;
  await countAttempt(manager, attempt, { target, candidates: factors });
  const subjectId = target.subject?.id;
  const pastSteps = terms.totp.driftSteps;
  const check = await kind.check(manager, { subjectId, candidates: factors, code, at, pastSteps });
  const throttle = await settleCount(manager, attempt, { target, candidates: factors, check });
  const demand = await openDemand(manager, attempt, { target, stepUp, check });
  const decision = { ...outcomeOf(check, candidates, demand), subjectId, attemptsLeft: attemptsLeft(throttle) };
  await recordAttempt(manager, attempt, decision);
  if (check.result === 'replayed') await noticeReplay(manager, attempt, { target, factorId: check.factorId });
  return decision;
}

function outcomeOf(
  check: CodeCheck,
  { factors, whyNone }: Candidates,
  demand: OpenDemand | undefined,
): Pick<Decision, 'result' | 'reason' | 'factorId' | 'stepUp'> {
  if (check.result === 'accepted' && demand) return { result: 'step_up', factorId: check.factorId, ...demand };
  if (check.result === 'accepted') return { result: 'accepted', factorId: check.factorId };
  if (check.result === 'replayed') return { result: 'rejected', reason: 'replayed', factorId: check.factorId };
  const [only, ...others] = factors;
  if (!only) return { result: 'rejected', reason: whyNone };
  return { result: 'rejected', reason: 'invalid_code', ...(others.length === 0 && { factorId: only.id }) };
}
