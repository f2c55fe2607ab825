import { appendAudit } from '@signet/audit';
import { topics, type VerificationData } from '@signet/contracts';
import { appendToOutbox, truncateIp } from '@signet/platform';
import type { EntityManager } from 'typeorm';
import { insertVerification } from './verifications.sql.js';
import type { Attempt, Decision } from './attempt.js';

/**
 * Every attempt leaves an audit entry, a record and an event, durable before its answer: with the true reason, and
 * without its code.
 */
export async function recordAttempt(manager: EntityManager, attempt: Attempt, decision: Decision): Promise<void> {
  await insertVerification(manager, attempt, decision);
  await audit(manager, attempt, decision);
  await announce(manager, attempt, decision);
}

function audit(
  manager: EntityManager,
  { caller, subject, context, at }: Attempt,
  { result, reason, factorId }: Decision,
): Promise<void> {
  return appendAudit(manager, {
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
}

/** The key is the subject's UUID; a name that is nobody's has none. */
function announce(manager: EntityManager, attempt: Attempt, { subjectId, ...decision }: Decision): Promise<void> {
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
    ip: context?.ip && truncateIp(context.ip),
    country: context?.country,
    at: at.toISOString(),
    signals: [],
    riskScore: 0,
  };
  const type = `verification.${result}`;
  return appendToOutbox(manager, [{ topic: topics.verifications.name, key: subjectId ?? id, type, data, at }]);
}
