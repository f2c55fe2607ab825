import type { EntityManager } from 'typeorm';
import type { Attempt, Decision } from './attempt.js';

export async function insertVerification(
  manager: EntityManager,
  { id, caller, subject, factor, context, at }: Attempt,
  { result, reason, factorId, subjectId }: Decision,
): Promise<void> {
  await manager.query(
    `INSERT INTO mfa.verifications
       (id, workspace_id, subject_id, subject, factor_id, factor_type, result, reason, code_id, device_id, key_id, request_id, at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
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
    ],
  );
}
