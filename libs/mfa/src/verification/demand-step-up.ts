import type { StepUp } from '@signet/contracts';
import type { EntityManager } from 'typeorm';
import type { FactorType } from '../factor.js';
import type { StepUpReason } from './attempt.js';
import type { CheckedAttempt } from './check-codes.js';
import { findAnswerableStepUp, type AnswerableStepUp } from './verifications.sql.js';

/** What is still needed after a right code. */
export interface OpenDemand {
  reason: StepUpReason;
  stepUp: StepUp;
}

/**
 * What a step-up demands that this right code, together with the one of the verification that it answers, does not
 * meet. A recovery code was written down once, so it is never a code of this moment (NIST SP 800-63B-4 §4.2.2.2).
 * @returns undefined when everything is met
 */
export async function openDemand(
  manager: EntityManager,
  { attempt, subject, stepUp, check }: CheckedAttempt,
): Promise<OpenDemand | undefined> {
  if (!stepUp || check.result !== 'accepted' || !subject) return undefined;
  const first = attempt.stepUpOf
    ? await findAnswerableStepUp(manager, { ...attempt, stepUpOf: attempt.stepUpOf, subjectId: subject.id })
    : undefined;
  const { driftSteps, factors, reasons } = stepUp;
  if (driftSteps === 0 && !check.isCurrent && first?.reason !== 'second_factor')
    return { reason: 'current_step', stepUp: { driftSteps, reasons } };
  if (factors && !isSecondFactor(attempt.factor, first, factors))
    return { reason: 'second_factor', stepUp: { factors: factors.filter((kind) => kind !== attempt.factor), reasons } };
  return undefined;
}

/** Two kinds, one of which is of those that are demanded. */
const isSecondFactor = (type: FactorType, first: AnswerableStepUp | undefined, demanded: readonly string[]): boolean =>
  first !== undefined && first.factorType !== type && (demanded.includes(type) || demanded.includes(first.factorType));
