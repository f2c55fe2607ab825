import type { PolicyTerms, StepUp } from '@signet/contracts';
import {
  acceptedKinds,
  applicablePolicy,
  readEffectivePolicies,
  requiredStepUp,
  type EffectivePolicy,
} from '@signet/policies';
import type { EntityManager } from 'typeorm';
import { withDemand } from './demanded-step-up.js';
import type { LockedAttempt } from './lock-targets.js';

/** An attempt with what the policy that decides about its subject says of it. */
export interface GovernedAttempt extends LockedAttempt {
  terms: PolicyTerms;
  /** What is demanded on top; null: nothing. */
  stepUp: StepUp | null;
}

/** For a name that is nobody's, too, and with the same work (ASVS 6.3.8). */
export async function applicableTerms(
  manager: EntityManager,
  attempts: readonly LockedAttempt[],
): Promise<GovernedAttempt[]> {
  const policies = new Map<string, EffectivePolicy[]>();
  for (const workspaceId of new Set(attempts.map(({ attempt }) => attempt.caller.workspaceId)))
    policies.set(workspaceId, await readEffectivePolicies(manager, workspaceId));
  return attempts.map((locked) => {
    const { caller, subject, context = {} } = locked.attempt;
    const who = { subject, groups: locked.subject?.groups ?? [], roles: locked.subject?.roles ?? [] };
    const { terms } = applicablePolicy(who, policies.get(caller.workspaceId) ?? [], context);
    const demand = { demand: locked.subject?.demand, accepted: acceptedKinds(terms) };
    return { ...locked, terms, stepUp: withDemand(requiredStepUp(terms, context), demand) };
  });
}
