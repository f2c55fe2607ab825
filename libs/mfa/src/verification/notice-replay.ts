import { topics, type EnrollmentEvent } from '@signet/contracts';
import { appendToOutbox } from '@signet/platform';
import type { EntityManager } from 'typeorm';
import { noteReplay } from '../factors.sql.js';
import type { CheckedAttempt } from './check-codes.js';

/**
 * A code came that had been used: perhaps somebody resent it, perhaps somebody else read it. Its owner is to hear of it
 * by another way than the answer: an event, for webhooks to bring to them; one for each TOTP step, however often it
 * comes.
 */
export async function noticeReplay(manager: EntityManager, { attempt, subject, check }: CheckedAttempt): Promise<void> {
  if (check.result !== 'replayed' || !subject) return;
  const { caller, factor, at } = attempt;
  const { factorId } = check;
  if (factor === 'totp' && !(await noteReplay(manager, factorId))) return;
  const data: EnrollmentEvent['data'] = {
    workspaceId: caller.workspaceId,
    subjectId: subject.id,
    subject: subject.subject,
    factorId,
    factorType: factor,
    reason: 'replayed',
    at: at.toISOString(),
  };
  const event = { topic: topics.enrollments.name, key: subject.id, type: 'factor.replayed', data, at };
  await appendToOutbox(manager, [event]);
}
