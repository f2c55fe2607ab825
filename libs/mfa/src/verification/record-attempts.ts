import { appendAudits, type AuditEntryDraft } from '@signet/audit';
import { topics, type VerificationData } from '@signet/contracts';
import { appendToOutbox, type OutboxEvent } from '@signet/platform';
import type { EntityManager } from 'typeorm';
import { insertVerifications } from './verifications.sql.js';
import type { Attempt, Decision } from './attempt.js';

/** An attempt and what was decided about it. */
export interface DecidedAttempt {
  attempt: Attempt;
  decision: Decision;
}

/**
 * Every attempt leaves an audit entry, a record and an event, durable before its answer: with the true reason, and
 * without its code.
 */
export async function recordAttempts(manager: EntityManager, decided: readonly DecidedAttempt[]): Promise<void> {
  await insertVerifications(manager, decided);
  await appendAudits(manager, decided.map(toAuditEntry));
  await appendToOutbox(manager, decided.map(toEvent));
}

const toAuditEntry = ({
  attempt: { caller, subject, context, at },
  decision: { result, reason, factorId },
}: DecidedAttempt): AuditEntryDraft => ({
  at,
  workspaceId: caller.workspaceId,
  actor: caller.actor,
  action: 'verification.attempt',
  subject,
  codeId: context?.codeId,
  factorId,
  result,
  reason,
  deviceId: context?.deviceId,
  biometric: context?.biometric,
  ip: context?.ip,
  country: context?.country,
  requestId: caller.requestId,
});

/** The key is the subject's UUID; a name that is nobody's has none. */
function toEvent({ attempt, decision: { subjectId, ...decision } }: DecidedAttempt): OutboxEvent {
  const { id, caller, subject, factor, context, at } = attempt;
  const result = decision.result === 'throttled' ? 'rejected' : decision.result;
  const data: VerificationData = {
    workspaceId: caller.workspaceId,
    verificationId: id,
    subject,
    factorId: decision.factorId,
    factorType: factor,
    codeId: context?.codeId,
    result,
    reason: decision.reason,
    deviceId: context?.deviceId,
    biometric: context?.biometric ?? 'none',
    ip: attempt.network,
    country: context?.country,
    at: at.toISOString(),
    signals: [],
    riskScore: 0,
  };
  return { topic: topics.verifications.name, key: subjectId ?? id, type: `verification.${result}`, data, at };
}
