import type { PutSubject } from '@signet/contracts';
import type { EntityManager } from 'typeorm';
import type { StoredSubject } from './subject.js';

const COLUMNS = `id, workspace_id AS "workspaceId", subject, display_name AS "displayName", email, groups, roles, status,
  failures, wait_until AS "waitUntil", created_at AS "createdAt", updated_at AS "updatedAt"`;

export async function findSubject(
  manager: EntityManager,
  workspaceId: string,
  subject: string,
): Promise<StoredSubject | undefined> {
  const [found]: StoredSubject[] = await manager.query(
    `SELECT ${COLUMNS} FROM mfa.subjects WHERE workspace_id = $1 AND subject = $2`,
    [workspaceId, subject],
  );
  return found;
}

/** Held to the end of the transaction. Whoever locks other rows of a subject locks this one first. */
export async function lockSubject(
  manager: EntityManager,
  workspaceId: string,
  subject: string,
): Promise<StoredSubject | undefined> {
  const [found]: StoredSubject[] = await manager.query(
    `SELECT ${COLUMNS} FROM mfa.subjects WHERE workspace_id = $1 AND subject = $2 FOR UPDATE`,
    [workspaceId, subject],
  );
  return found;
}

export async function lockSubjectById(manager: EntityManager, id: string): Promise<StoredSubject | undefined> {
  const [found]: StoredSubject[] = await manager.query(`SELECT ${COLUMNS} FROM mfa.subjects WHERE id = $1 FOR UPDATE`, [
    id,
  ]);
  return found;
}

/** @returns undefined when there is one of that name */
export async function insertSubject(
  manager: EntityManager,
  { id, workspaceId, subject, profile, at }: SubjectProfile & { workspaceId: string; subject: string },
): Promise<StoredSubject | undefined> {
  const [inserted]: StoredSubject[] = await manager.query(
    `INSERT INTO mfa.subjects
       (id, workspace_id, subject, display_name, email, groups, roles, status, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 'active', $8, $8)
     ON CONFLICT (workspace_id, subject) DO NOTHING RETURNING ${COLUMNS}`,
    [id, workspaceId, subject, profile.displayName, profile.email, profile.groups, profile.roles, at],
  );
  return inserted;
}

interface SubjectProfile {
  id: string;
  profile: Required<PutSubject>;
  at: Date;
}

export async function updateSubject(manager: EntityManager, { id, profile, at }: SubjectProfile): Promise<void> {
  await manager.query(
    `UPDATE mfa.subjects SET display_name = $2, email = $3, groups = $4, roles = $5, updated_at = $6 WHERE id = $1`,
    [id, profile.displayName, profile.email, profile.groups, profile.roles, at],
  );
}

/** What was opened in an older epoch (sessions, approvals, challenges) is not honoured any more. */
export async function raiseEpoch(manager: EntityManager, subjectId: string): Promise<void> {
  await manager.query('UPDATE mfa.subjects SET epoch = epoch + 1 WHERE id = $1', [subjectId]);
}
