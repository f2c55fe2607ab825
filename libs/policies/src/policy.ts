import { CreatePolicySchema, type Policy, type PolicyTerms } from '@signet/contracts';

/** A policy as an evaluation needs it. */
export interface EffectivePolicy {
  id: string;
  terms: PolicyTerms;
  /** Since when it has been enabled and required; null when it is not. */
  requiredSince: Date | null;
}

export interface StoredPolicy extends EffectivePolicy {
  workspaceId: string;
  version: number;
  createdAt: Date;
  updatedAt: Date;
}

/** What holds for whom no policy matches: those who have enrolled a factor are asked for it. */
export const DEFAULT_TERMS: PolicyTerms = CreatePolicySchema.parse({
  name: 'default',
  mfa: 'optional',
  factors: ['totp', 'device', 'webauthn'],
});

/** @returns since when terms have been enabled and required, given those that they replace */
export function requiredSince(terms: PolicyTerms, before: EffectivePolicy | undefined, at: Date): Date | null {
  if (!terms.enabled || terms.mfa !== 'required') return null;
  return before?.requiredSince ?? at;
}

/** security.md §1: authenticators that show wrong codes without saying so; confirm proves that the app does not. */
export function warningsOf({ totp }: PolicyTerms): string[] {
  const unusual = [
    totp.algorithm === 'SHA1' ? undefined : `algorithm ${totp.algorithm}`,
    totp.digits === 6 ? undefined : `${totp.digits} digits`,
    totp.period === 30 ? undefined : `a period of ${totp.period} s`,
  ].filter((part) => part !== undefined);
  if (unusual.length === 0) return [];
  return [
    `Microsoft Authenticator and old versions of Google Authenticator on Android ignore ${unusual.join(' and ')} and ` +
      'show wrong codes; an enrollment with such an app is refused at confirm',
  ];
}

export const toPolicy = (stored: StoredPolicy): Policy => ({
  id: stored.id,
  ...stored.terms,
  version: stored.version,
  requiredSince: stored.requiredSince?.toISOString() ?? null,
  createdAt: stored.createdAt.toISOString(),
  updatedAt: stored.updatedAt.toISOString(),
  warnings: warningsOf(stored.terms),
});
