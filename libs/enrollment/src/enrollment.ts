import type {
  ClaimedEnrollmentSchema,
  ConfirmedEnrollmentSchema,
  CreatedEnrollmentSchema,
  Enrollment,
  EnrollmentSettings,
} from '@signet/contracts';
import type { z } from 'zod';
import type { PinHash } from './claim-pin.js';

export type CreatedEnrollment = z.output<typeof CreatedEnrollmentSchema>;
export type ClaimedEnrollment = z.output<typeof ClaimedEnrollmentSchema>;
export type ConfirmedEnrollment = z.output<typeof ConfirmedEnrollmentSchema>;

export interface StoredEnrollment {
  id: string;
  workspaceId: string;
  subjectId: string;
  subject: string;
  factor: Enrollment['factor'];
  delivery: Enrollment['delivery'];
  status: Enrollment['status'];
  /** Why it is asked for, in the issuer's words. */
  purpose: string | null;
  /** The single-use code of a link. */
  codeId: string | null;
  /** Null: not claimed. The pending factor; the subject's own only when the enrollment is active. */
  factorId: string | null;
  claimTokenHash: Buffer | null;
  /** Null: the link alone is enough. */
  pin: PinHash | null;
  /** Wrong PINs at the claim. */
  pinFailures: number;
  /** `claimantHash` of whoever claimed it. */
  claimantHash: Buffer | null;
  /** Wrong codes at confirm, whatever the secret was by then. */
  failures: number;
  createdAt: Date;
  /** Of the link until it is claimed, of the secret from then on. */
  expiresAt: Date;
  claimedAt: Date | null;
  /** When the secret was shown; it is not shown a second time. */
  shownAt: Date | null;
  endedAt: Date | null;
  /** When the recovery codes were said to be saved. */
  acknowledgedAt: Date | null;
  /** When to remind of a link that nobody has claimed; null: not, or not again. */
  remindAt: Date | null;
}

export const DEFAULT_SETTINGS: EnrollmentSettings = {
  enabled: true,
  issuer: 'Signet',
  ticketTtlSeconds: 600,
  requirePin: false,
};

/**
 * A secret that is on a screen lives ten minutes at most, whatever the settings say; a link may live longer, which is
 * outside NIST SP 800-63B-4 §4.1.2.2, and its answer says so.
 */
export const LONGEST_SECRET_SECONDS = 600;

/** Below this nobody could act on a reminder in time. */
const SHORTEST_REMINDED_SECONDS = 3600;

/** Wrong codes that end an enrollment (security.md §4). */
const FAILURES_ALLOWED = 5;

/** How long after the confirmation its browser may still ask for new recovery codes. */
const RECOVERY_CODES_SECONDS = 600;

const after = (at: Date, seconds: number): Date => new Date(at.getTime() + seconds * 1000);

/** Until when a new enrollment can be used. @param at now */
export function expiryOf(
  delivery: Enrollment['delivery'],
  { at, seconds }: { at: Date; seconds: number },
): { expiresAt: Date; remindAt: Date | null } {
  if (delivery === 'inline') return { expiresAt: secretExpiry(at, seconds), remindAt: null };
  const remindAt = seconds < SHORTEST_REMINDED_SECONDS ? null : after(at, seconds / 2);
  return { expiresAt: after(at, seconds), remindAt };
}

/** Until when a secret that is shown from now on can be confirmed. */
export const secretExpiry = (at: Date, seconds = LONGEST_SECRET_SECONDS): Date =>
  after(at, Math.min(seconds, LONGEST_SECRET_SECONDS));

type Standing = Pick<StoredEnrollment, 'status' | 'expiresAt'>;

export const isUnfinished = ({ status }: Standing): boolean =>
  status === 'created' || status === 'opened' || status === 'claimed';

/** Whether it waits for its link to be claimed; the clock decides, not a timer. */
export const isClaimable = (enrollment: Standing, at: Date): boolean =>
  (enrollment.status === 'created' || enrollment.status === 'opened') && at < enrollment.expiresAt;

/** Whether a code can still confirm it. */
export const isOpen = ({ status, expiresAt }: Standing, at: Date): boolean => status === 'claimed' && at < expiresAt;

export const isOverdue = (enrollment: Standing, at: Date): boolean =>
  isUnfinished(enrollment) && at >= enrollment.expiresAt;

/** Whether whoever confirmed it may still have their recovery codes made anew. */
export const isJustConfirmed = (
  { status, endedAt, acknowledgedAt }: Pick<StoredEnrollment, 'status' | 'endedAt' | 'acknowledgedAt'>,
  at: Date,
): boolean =>
  status === 'active' && acknowledgedAt === null && endedAt !== null && at < after(endedAt, RECOVERY_CODES_SECONDS);

/** @returns tries that are left after `failures` wrong codes */
export const attemptsLeft = (failures: number): number => Math.max(0, FAILURES_ALLOWED - failures);

export const toEnrollment = (stored: StoredEnrollment): Enrollment => ({
  id: stored.id,
  subject: stored.subject,
  factor: stored.factor,
  delivery: stored.delivery,
  status: stored.status,
  purpose: stored.purpose,
  codeId: stored.codeId,
  requiresPin: stored.pin !== null,
  createdAt: stored.createdAt.toISOString(),
  expiresAt: stored.expiresAt.toISOString(),
  claimedAt: stored.claimedAt?.toISOString() ?? null,
  factorId: stored.status === 'active' ? stored.factorId : null,
});
