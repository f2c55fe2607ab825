import type { StepUp } from '@signet/contracts';
import type { SubjectDemand } from '../subject-demands.sql.js';

const REASON = 'an alert about the subject demands more for a time';

/**
 * What a policy and a demand on the subject ask for together. A second factor of another kind, where the subject has two
 * kinds that the policy accepts; else the code of the running step, since nobody is denied for what they do not have.
 */
export function withDemand(
  stepUp: StepUp | null,
  { demand, accepted }: { demand: SubjectDemand | null | undefined; accepted: readonly string[] },
): StepUp | null {
  if (!demand) return stepUp;
  const kinds = demand.factors.filter((kind) => accepted.includes(kind));
  const reasons = [...(stepUp?.reasons ?? []), REASON];
  if (kinds.length < 2 || stepUp?.factors) return { ...stepUp, driftSteps: 0, reasons };
  return { ...stepUp, factors: kinds, reasons };
}
