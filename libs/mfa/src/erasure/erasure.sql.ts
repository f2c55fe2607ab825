import type { SubjectOfData } from '@signet/privacy';
import type { EntityManager } from 'typeorm';

/** Deletes a subject that is locked, with factors, recovery codes, attempts and throttles. @returns how many rows */
export async function deleteSubject(manager: EntityManager, subject: SubjectOfData): Promise<number> {
  let records = 0;
  const remove = async (statement: string, parameters: readonly string[]): Promise<void> => {
    const [, count]: [unknown, number] = await manager.query(statement, [...parameters]);
    records += count;
  };
  const { id, workspaceId, subject: name } = subject;
  await remove('DELETE FROM mfa.verifications WHERE workspace_id = $1 AND subject = $2', [workspaceId, name]);
  await remove('DELETE FROM mfa.strangers WHERE workspace_id = $1 AND subject = $2', [workspaceId, name]);
  await remove('DELETE FROM mfa.recovery_codes WHERE factor_id IN (SELECT id FROM mfa.factors WHERE subject_id = $1)', [
    id,
  ]);
  await remove('DELETE FROM mfa.factors WHERE subject_id = $1', [id]);
  await remove('DELETE FROM mfa.subjects WHERE id = $1', [id]);
  return records;
}

/** An attempt as it is kept to answer it again. */
export interface StoredVerification {
  id: string;
  at: Date;
  factorId: string | null;
  factorType: string;
  result: string;
  reason: string | null;
  codeId: string | null;
  deviceId: string | null;
}

/** Of a subject, oldest first. @param afterId of the last one before */
export function readVerificationsOf(
  manager: EntityManager,
  { workspaceId, subject }: SubjectOfData,
  { afterId, limit }: { afterId: string | undefined; limit: number },
): Promise<StoredVerification[]> {
  return manager.query(
    `SELECT id, at, factor_id AS "factorId", factor_type AS "factorType", result, reason, code_id AS "codeId",
       device_id AS "deviceId"
     FROM mfa.verifications WHERE workspace_id = $1 AND subject = $2 AND ($3::uuid IS NULL OR id > $3)
     ORDER BY id LIMIT $4`,
    [workspaceId, subject, afterId ?? null, limit],
  );
}

/** Forgets attempts of before, `limit` at most. Their ids begin with when they were. @returns how many */
export async function removeVerificationsBefore(manager: EntityManager, before: Date, limit: number): Promise<number> {
  const [, count]: [unknown, number] = await manager.query(
    `DELETE FROM mfa.verifications WHERE id IN (SELECT id FROM mfa.verifications WHERE id < $1 ORDER BY id LIMIT $2)`,
    [firstIdAt(before), limit],
  );
  return count;
}

/** The lowest UUIDv7 of a millisecond (RFC 9562 §5.7). */
function firstIdAt(at: Date): string {
  const hex = Math.max(0, at.getTime()).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}
