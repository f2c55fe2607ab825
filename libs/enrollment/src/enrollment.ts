import type {
  ConfirmedEnrollmentSchema,
  CreatedEnrollmentSchema,
  Enrollment,
  EnrollmentSettings,
} from '@signet/contracts';
import type { z } from 'zod';

export type CreatedEnrollment = z.output<typeof CreatedEnrollmentSchema>;
export type ConfirmedEnrollment = z.output<typeof ConfirmedEnrollmentSchema>;

export interface StoredEnrollment {
  id: string;
  workspaceId: string;
  subjectId: string;
  subject: string;
  factor: Enrollment['factor'];
  delivery: Enrollment['delivery'];
  status: Enrollment['status'];
  /** The pending factor; the subject's own only when the enrollment is active. */
  factorId: string;
  claimTokenHash: Buffer;
  /** Wrong codes at confirm. */
  failures: number;
  createdAt: Date;
  expiresAt: Date;
}

export const DEFAULT_SETTINGS: EnrollmentSettings = { enabled: true, issuer: 'Signet', ticketTtlSeconds: 600 };

/** A secret that is on a screen lives ten minutes at most (NIST SP 800-63B-4 §4.1.2.2), whatever the settings say. */
const LONGEST_INLINE_SECONDS = 600;

/** Wrong codes that end an enrollment (security.md §4). */
const FAILURES_ALLOWED = 5;

export const lifetimeSeconds = ({ ticketTtlSeconds }: EnrollmentSettings, askedSeconds = ticketTtlSeconds): number =>
  Math.min(askedSeconds, LONGEST_INLINE_SECONDS);

/** Whether a code can still confirm it; the clock decides, not a timer. */
export const isOpen = ({ status, expiresAt }: StoredEnrollment, at: Date): boolean =>
  status === 'claimed' && at < expiresAt;

export const isOverdue = ({ status, expiresAt }: StoredEnrollment, at: Date): boolean =>
  status === 'claimed' && at >= expiresAt;

/** @returns tries that are left after `failures` wrong codes */
export const attemptsLeft = (failures: number): number => Math.max(0, FAILURES_ALLOWED - failures);

export const toEnrollment = (stored: StoredEnrollment): Enrollment => ({
  id: stored.id,
  subject: stored.subject,
  factor: stored.factor,
  delivery: stored.delivery,
  status: stored.status,
  createdAt: stored.createdAt.toISOString(),
  expiresAt: stored.expiresAt.toISOString(),
  factorId: stored.status === 'active' ? stored.factorId : null,
});
