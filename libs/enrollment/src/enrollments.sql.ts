import type { EntityManager } from 'typeorm';
import type { StoredEnrollment } from './enrollment.js';

const COLUMNS = `id, workspace_id AS "workspaceId", subject_id AS "subjectId", subject, factor_type AS factor, delivery,
  status, factor_id AS "factorId", claim_token_hash AS "claimTokenHash", failures, created_at AS "createdAt",
  expires_at AS "expiresAt"`;

export async function insertEnrollment(manager: EntityManager, enrollment: StoredEnrollment): Promise<void> {
  await manager.query(
    `INSERT INTO enrollment.enrollments (id, workspace_id, subject_id, subject, factor_type, delivery, status,
       factor_id, claim_token_hash, failures, created_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [
      enrollment.id,
      enrollment.workspaceId,
      enrollment.subjectId,
      enrollment.subject,
      enrollment.factor,
      enrollment.delivery,
      enrollment.status,
      enrollment.factorId,
      enrollment.claimTokenHash,
      enrollment.failures,
      enrollment.createdAt,
      enrollment.expiresAt,
    ],
  );
}

export async function findEnrollment(manager: EntityManager, id: string): Promise<StoredEnrollment | undefined> {
  const [found]: StoredEnrollment[] = await manager.query(
    `SELECT ${COLUMNS} FROM enrollment.enrollments WHERE id = $1`,
    [id],
  );
  return found;
}

/** Those of a subject that are not at an end, oldest first. */
export function readOpenEnrollments(manager: EntityManager, subjectId: string): Promise<StoredEnrollment[]> {
  return manager.query(
    `SELECT ${COLUMNS} FROM enrollment.enrollments
     WHERE subject_id = $1 AND status IN ('created', 'opened', 'claimed') ORDER BY id`,
    [subjectId],
  );
}

export async function endEnrollment(
  manager: EntityManager,
  id: string,
  status: 'active' | 'failed' | 'expired' | 'superseded' | 'revoked',
  at: Date,
): Promise<void> {
  await manager.query('UPDATE enrollment.enrollments SET status = $2, ended_at = $3 WHERE id = $1', [id, status, at]);
}

/** @returns the wrong codes so far, this one included */
export async function countWrongCode(manager: EntityManager, id: string): Promise<number> {
  const [rows]: [{ failures: number }[], number] = await manager.query(
    'UPDATE enrollment.enrollments SET failures = failures + 1 WHERE id = $1 RETURNING failures',
    [id],
  );
  const [row] = rows;
  if (!row) throw new Error('an enrollment that is locked was not found');
  return row.failures;
}
