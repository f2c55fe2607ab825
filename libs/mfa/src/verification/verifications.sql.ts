import type { EntityManager } from 'typeorm';
import type { FactorType } from '../factor.js';
import type { Attempt, Decision } from './attempt.js';

export async function insertVerification(
  manager: EntityManager,
  { id, caller, subject, factor, context, at, stepUpOf }: Attempt,
  { result, reason, factorId, subjectId }: Decision,
): Promise<void> {
  await manager.query(
    `INSERT INTO mfa.verifications
       (id, workspace_id, subject_id, subject, factor_id, factor_type, result, reason, code_id, device_id, key_id,
        request_id, at, step_up_of)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    [
      id,
      caller.workspaceId,
      subjectId ?? null,
      subject,
      factorId ?? null,
      factor,
      result,
      reason ?? null,
      context?.codeId ?? null,
      context?.deviceId ?? null,
      caller.keyId,
      caller.requestId,
      at,
      stepUpOf ?? null,
    ],
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
