import type { PolicyTerms, StepUp } from '@signet/contracts';
import { applicablePolicy, readEffectivePolicies, requiredStepUp } from '@signet/policies';
import type { EntityManager } from 'typeorm';
import type { Attempt } from './attempt.js';
import type { Target } from './lock-target.js';

/** What the policy that decides about a subject says of this attempt. */
export interface AppliedTerms {
  terms: PolicyTerms;
  /** What is demanded on top; null: nothing. */
  stepUp: StepUp | null;
}

/** For a name that is nobody's, too, and with the same work (ASVS 6.3.8). */
export async function applicableTerms(
  manager: EntityManager,
  { subject }: Target,
  { caller, subject: name, context = {} }: Attempt,
): Promise<AppliedTerms> {
  const policies = await readEffectivePolicies(manager, caller.workspaceId);
  const who = { subject: name, groups: subject?.groups ?? [], roles: subject?.roles ?? [] };
  const { terms } = applicablePolicy(who, policies, context);
  return { terms, stepUp: requiredStepUp(terms, context) };
}
