import { appendAudit } from '@signet/audit';
import { topics, type EnrollmentEvent } from '@signet/contracts';
import type { Doing } from '@signet/mfa';
import { appendToOutbox } from '@signet/platform';
import type { EntityManager } from 'typeorm';
import type { StoredEnrollment } from './enrollment.js';

/** Writes the audit entry of something that happened to an enrollment. Ids only. */
export function auditEnrollment(
  manager: EntityManager,
  enrollment: StoredEnrollment,
  entry: Doing & { action: string; result?: string; reason?: string },
): Promise<void> {
  return appendAudit(manager, {
    ...entry,
    workspaceId: enrollment.workspaceId,
    subject: enrollment.subject,
    codeId: enrollment.codeId ?? undefined,
    factorId: enrollment.factorId ?? undefined,
    enrollmentId: enrollment.id,
  });
}

type EnrollmentEventType = Extract<EnrollmentEvent['type'], `enrollment.${string}` | 'factor.added'>;
type EventDetails = Pick<EnrollmentEvent['data'], 'claimedAt' | 'ip' | 'sameVisitor' | 'otherFactors'>;

export function announceEnrollment(
  manager: EntityManager,
  enrollment: StoredEnrollment,
  { type, reason, at, ...details }: { type: EnrollmentEventType; reason?: string; at: Date } & EventDetails,
): Promise<void> {
  const data: EnrollmentEvent['data'] = {
    workspaceId: enrollment.workspaceId,
    subjectId: enrollment.subjectId,
    subject: enrollment.subject,
    enrollmentId: enrollment.id,
    factorId: enrollment.factorId ?? undefined,
    factorType: enrollment.factor,
    codeId: enrollment.codeId ?? undefined,
    delivery: enrollment.delivery,
    expiresAt: enrollment.expiresAt.toISOString(),
    reason,
    ...details,
    at: at.toISOString(),
  };
  return appendToOutbox(manager, [{ topic: topics.enrollments.name, key: enrollment.subjectId, type, data, at }]);
}
