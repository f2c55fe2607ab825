import type {
  PolicyContext,
  PolicyDecision,
  PolicyFactor,
  PolicyTerms,
  StepUp,
  SubjectStatus,
} from '@signet/contracts';
import { matchPolicy, type MatchedSubject } from './match-policy.js';
import { DEFAULT_TERMS, type EffectivePolicy } from './policy.js';
import { requiredStepUp } from './step-up.js';

/** A subject as policies see it. */
export interface EvaluatedSubject extends MatchedSubject {
  status: SubjectStatus;
  createdAt: Date;
  /** Confirmed factors that are not revoked. */
  factors: readonly { type: PolicyFactor; status: 'active' | 'locked' }[];
  /** Whether any factor was ever used to sign in. */
  hasVerified: boolean;
}

export interface Evaluation {
  subject: EvaluatedSubject;
  policies: readonly EffectivePolicy[];
  context: PolicyContext;
  at: Date;
  /** What is demanded for a time beside the policies, put to what they demand; absent: nothing is. */
  withDemand?: (byPolicy: StepUp | null, accepted: readonly PolicyFactor[]) => StepUp | null;
}

/** The policy that decides about a subject, and how it was found. */
export interface Applicable {
  policy: EffectivePolicy | undefined;
  terms: PolicyTerms;
  reasons: string[];
}

/**
 * What a subject needs to sign in. Total, deterministic, and the same whatever the order of `policies`.
 * @returns the decision with its reasons, sentences in the order in which it was made
 */
export function evaluatePolicies({ subject, policies, context, at, withDemand }: Evaluation): PolicyDecision {
  if (subject.status !== 'active') return answer('deny', { reasons: [`the subject is ${subject.status}`] });
  const { policy, terms, reasons } = applicablePolicy(subject, policies, context);
  const usable = usableKinds(terms, subject);
  const byPolicy = requiredStepUp(terms, context);
  // Whoever has no factor at all could not meet it: an alert about somebody does not lock them out.
  const stepUp = withDemand && usable.length > 0 ? withDemand(byPolicy, acceptedKinds(terms)) : byPolicy;
  const found = { policyId: policy?.id ?? null, stepUp, reasons: [...reasons, ...(stepUp?.reasons ?? [])] };
  const asked = whyAsked(terms, { subject, context, stepUp });
  const because = (reason: string): string[] => [...found.reasons, reason];
  if (asked === undefined) return answer('allow', { ...found, reasons: because(whyNotAsked(terms)) });
  if (usable.length > 0) return answer('challenge', { ...found, factors: usable, reasons: because(asked) });
  return withoutFactor({ terms, policy, subject, at, stepUp }, { ...found, reasons: because(asked) });
}

/** The highest priority of those that match; of equal ones the older policy. */
export function applicablePolicy(
  subject: MatchedSubject,
  policies: readonly EffectivePolicy[],
  context: PolicyContext,
): Applicable {
  const reasons: string[] = [];
  for (const policy of policies.toSorted(byPrecedence)) {
    const { terms } = policy;
    if (!terms.enabled) continue;
    const { matched, because } = matchPolicy(terms.match, subject, context);
    reasons.push(`policy *${terms.name}* ${matched ? `matched ${because}` : `did not match: ${because}`}`);
    if (matched) return { policy, terms, reasons };
  }
  return { policy: undefined, terms: DEFAULT_TERMS, reasons: [...reasons, 'no policy matched: MFA is optional'] };
}

/** The kinds of factors that a policy accepts. */
export const acceptedKinds = ({ factors, recovery }: PolicyTerms): PolicyFactor[] => [
  ...new Set<PolicyFactor>([...factors, ...(recovery ? (['recovery'] as const) : [])]),
];

// UUIDv7: the smaller id is the older policy.
const byPrecedence = (a: EffectivePolicy, b: EffectivePolicy): number =>
  b.terms.priority - a.terms.priority || (a.id < b.id ? -1 : Number(a.id > b.id));

const usableKinds = (terms: PolicyTerms, { factors }: EvaluatedSubject): PolicyFactor[] =>
  acceptedKinds(terms).filter((kind) => factors.some(({ type, status }) => type === kind && status === 'active'));

function whyAsked(
  { mfa, enforce }: PolicyTerms,
  { subject, context, stepUp }: { subject: EvaluatedSubject; context: PolicyContext; stepUp: StepUp | null },
): string | undefined {
  if (stepUp) return 'more is demanded than a password';
  if (mfa === 'off') return undefined;
  const signals = context.riskSignals ?? [];
  if (enforce === 'every-login') return `MFA is ${mfa} at every login`;
  if (enforce === 'high-risk') return signals.length > 0 ? `the risk is high: ${signals.join(', ')}` : undefined;
  if (!subject.hasVerified) return `MFA is ${mfa} at the first login`;
  return signals.includes('new-device') ? 'this is the first login on a new device' : undefined;
}

function whyNotAsked({ mfa, enforce }: PolicyTerms): string {
  if (mfa === 'off') return 'MFA is off';
  return enforce === 'high-risk' ? 'nothing speaks for a high risk' : 'this is not the first login';
}

interface Missing {
  terms: PolicyTerms;
  policy: EffectivePolicy | undefined;
  subject: EvaluatedSubject;
  at: Date;
  stepUp: StepUp | null;
}
type Found = Pick<PolicyDecision, 'policyId' | 'stepUp' | 'reasons'>;

/** Somebody is asked for a factor and has none that the policy accepts. */
function withoutFactor({ terms, policy, subject, at, stepUp }: Missing, found: Found): PolicyDecision {
  const because = (reason: string): Found => ({ ...found, reasons: [...found.reasons, reason] });
  const isLocked = subject.factors.some(
    ({ type, status }) => status === 'locked' && acceptedKinds(terms).includes(type),
  );
  if (isLocked) return answer('deny', because('the factors are locked: unlock them, or revoke them and enroll anew'));
  // Who could enroll now would gain by it exactly when it should be hardest.
  if (stepUp) return answer('deny', because('there is no factor to meet it with'));
  if (terms.mfa !== 'required') return answer('allow', because('nothing is enrolled'));
  const graceUntil = graceEnd(terms, policy?.requiredSince ?? at, subject);
  if (at < graceUntil)
    return answer('allow', {
      ...because('nothing is enrolled, and there is time for it'),
      graceUntil: graceUntil.toISOString(),
    });
  return answer('enroll', {
    ...because('nothing is enrolled'),
    factors: terms.factors.filter((kind) => kind !== 'recovery'),
  });
}

const DAY_MILLISECONDS = 86_400_000;

function graceEnd({ graceDays }: PolicyTerms, required: Date, { createdAt }: EvaluatedSubject): Date {
  const from = Math.max(required.getTime(), createdAt.getTime());
  return new Date(from + graceDays * DAY_MILLISECONDS);
}

const answer = (
  decision: PolicyDecision['decision'],
  more: Partial<PolicyDecision> & Pick<PolicyDecision, 'reasons'>,
): PolicyDecision => ({ decision, factors: [], policyId: null, graceUntil: null, stepUp: null, ...more });
