import type { EvaluatedSubject } from '@signet/policies';
import type { StoredSubject } from '../subject.js';
import type { StandingFactor } from './standing-factors.sql.js';

/** A subject with its factors as policies see it. */
export const toEvaluated = (
  { subject, groups, roles, status, createdAt }: StoredSubject,
  factors: readonly StandingFactor[],
): EvaluatedSubject => ({
  subject,
  groups,
  roles,
  status,
  createdAt,
  factors,
  hasVerified: factors.some(({ wasUsed }) => wasUsed),
});

/** Nobody's name, with nothing: what is asked of it is what is asked of somebody new. */
export const unknownSubject = (subject: string, at: Date): EvaluatedSubject => ({
  subject,
  groups: [],
  roles: [],
  status: 'active',
  createdAt: at,
  factors: [],
  hasVerified: false,
});
