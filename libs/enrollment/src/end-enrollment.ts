import type { Doing, FactorEnrollment } from '@signet/mfa';
import type { EntityManager } from 'typeorm';
import { isOverdue, type StoredEnrollment } from './enrollment.js';
import { announceEnrollment, auditEnrollment } from './enrollment-trail.js';
import { endEnrollment } from './enrollments.sql.js';

/** How an enrollment ends without a factor. */
export type Ending = 'expired' | 'superseded' | 'failed' | 'revoked';

/**
 * Ends an enrollment that was not confirmed: its secret dies with it, and nothing else of the subject is touched.
 * @param manager of a transaction that holds the subject's lock
 */
export async function abandonEnrollment(
  manager: EntityManager,
  factors: FactorEnrollment,
  { enrollment, ending, doing }: { enrollment: StoredEnrollment; ending: Ending; doing: Doing },
): Promise<void> {
  await endEnrollment(manager, enrollment.id, ending, doing.at);
  await factors.abandon(manager, enrollment.factorId, { reason: ending, at: doing.at });
  await auditEnrollment(manager, enrollment, { ...doing, action: 'enrollment.end', result: ending });
  const type = ending === 'expired' ? 'enrollment.expired' : 'enrollment.revoked';
  await announceEnrollment(manager, enrollment, { type, reason: ending, at: doing.at });
}

/** An earlier enrollment that nobody confirmed makes room for a new one; one whose time was over had expired. */
export const endingOfEarlier = (enrollment: StoredEnrollment, at: Date): Ending =>
  isOverdue(enrollment, at) ? 'expired' : 'superseded';
