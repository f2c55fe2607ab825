import type { EntityManager } from 'typeorm';
import type { FactorType } from '../factor.js';
import type { DecidedAttempt } from './record-attempts.js';

export async function insertVerifications(manager: EntityManager, decided: readonly DecidedAttempt[]): Promise<void> {
  const rows = decided.map(({ attempt, decision }) => ({
    id: attempt.id,
    workspace_id: attempt.caller.workspaceId,
    subject_id: decision.subjectId,
    subject: attempt.subject,
    factor_id: decision.factorId,
    factor_type: attempt.factor,
    result: decision.result,
    reason: decision.reason,
    code_id: attempt.context?.codeId,
    device_id: attempt.context?.deviceId,
    key_id: attempt.caller.keyId,
    request_id: attempt.caller.requestId,
    at: attempt.at,
    step_up_of: attempt.stepUpOf,
  }));
  await manager.query(
    `INSERT INTO mfa.verifications
       (id, workspace_id, subject_id, subject, factor_id, factor_type, result, reason, code_id, device_id, key_id,
        request_id, at, step_up_of)
     SELECT id, workspace_id, subject_id, subject, factor_id, factor_type, result, reason, code_id, device_id, key_id,
        request_id, at, step_up_of
     FROM jsonb_populate_recordset(NULL::mfa.verifications, $1::jsonb)`,
    [JSON.stringify(rows)],
  );
}

/** A verification that ended with `step_up` and can still be answered. */
export interface AnswerableStepUp {
  factorType: FactorType;
  reason: string;
}

/** One of the same subject, of the last five minutes, not answered yet, whose factor is still active. */
export async function findAnswerableStepUp(
  manager: EntityManager,
  { stepUpOf, subjectId, at }: { stepUpOf: string; subjectId: string; at: Date },
): Promise<AnswerableStepUp | undefined> {
  const [found]: AnswerableStepUp[] = await manager.query(
    `SELECT v.factor_type AS "factorType", v.reason
     FROM mfa.verifications v JOIN mfa.factors f ON f.id = v.factor_id
     WHERE v.id = $1 AND v.subject_id = $2 AND v.result = 'step_up' AND v.at > $3::timestamptz - interval '5 minutes'
       AND f.status = 'active'
       AND NOT EXISTS (SELECT FROM mfa.verifications a WHERE a.step_up_of = v.id AND a.result = 'accepted')`,
    [stepUpOf, subjectId, at],
  );
  return found;
}
