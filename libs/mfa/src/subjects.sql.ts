import type { ListSubjectsQuery } from '@signet/contracts';
import type { EntityManager } from 'typeorm';
import type { StoredSubject, SubjectProfile } from './subject.js';
import { demandColumn, type SubjectDemand } from './subject-demands.sql.js';

const COLUMNS = `id, workspace_id AS "workspaceId", subject, display_name AS "displayName", email, groups, roles,
  attributes, status, version, failures, wait_until AS "waitUntil", created_at AS "createdAt", updated_at AS "updatedAt"`;

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

/** A name in a workspace, whether it is somebody's or not. */
export interface SubjectName {
  workspaceId: string;
  subject: string;
}

/** A subject with what is demanded of it now. */
export type DemandedSubject = StoredSubject & { demand: SubjectDemand | null };

/**
 * Held to the end of the transaction. Whoever locks other rows of a subject locks this one first, and whoever locks many
 * locks them in this order.
 */
export function lockSubjects(
  manager: EntityManager,
  names: readonly SubjectName[],
  at: Date,
): Promise<DemandedSubject[]> {
  return manager.query(
    `SELECT ${COLUMNS}, ${demandColumn('$3')} FROM mfa.subjects
     WHERE (workspace_id, subject) IN (SELECT * FROM unnest($1::uuid[], $2::text[])) ORDER BY id FOR UPDATE`,
    [names.map(({ workspaceId }) => workspaceId), names.map(({ subject }) => subject), at],
  );
}

/** As `lockSubjects`. */
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

/** By name, those after the name `after`. */
export function readSubjects(
  manager: EntityManager,
  workspaceId: string,
  { group, role, status, q, after, limit }: Omit<ListSubjectsQuery, 'cursor'> & { after: string | undefined },
): Promise<StoredSubject[]> {
  return manager.query(
    `SELECT ${COLUMNS} FROM mfa.subjects
     WHERE workspace_id = $1 AND ($2::text IS NULL OR subject > $2)
       AND ($3::text IS NULL OR groups @> ARRAY[$3::text]) AND ($4::text IS NULL OR roles @> ARRAY[$4::text])
       AND ($5::text IS NULL OR status = $5)
       AND ($6::text IS NULL OR subject ILIKE $6 OR display_name ILIKE $6 OR email ILIKE $6)
     ORDER BY subject LIMIT $7`,
    [workspaceId, after ?? null, group ?? null, role ?? null, status ?? null, q ? containing(q) : null, limit],
  );
}

/** A pattern of LIKE for texts that contain `part`, in which its own wildcards stand for themselves. */
const containing = (part: string): string => `%${part.replaceAll(/[\\%_]/g, '\\$&')}%`;

export interface NewSubject {
  id: string;
  subject: string;
  profile: SubjectProfile;
}

/** @returns those that are new; where there is one of that name, and after the first of two equal ones, nothing happens */
export async function insertSubjects(
  manager: EntityManager,
  { workspaceId, at }: { workspaceId: string; at: Date },
  subjects: readonly NewSubject[],
): Promise<StoredSubject[]> {
  const rows = subjects.map(({ id, subject, profile }) => ({ id, subject, ...profile }));
  return manager.query(
    `INSERT INTO mfa.subjects
       (id, workspace_id, subject, display_name, email, groups, roles, attributes, status, created_at, updated_at)
     SELECT r.id, $1, r.subject, r."displayName", r.email, r.groups, r.roles, r.attributes, 'active', $2, $2
     FROM jsonb_to_recordset($3::jsonb) AS r (id uuid, subject text, "displayName" text, email text, groups text[],
       roles text[], attributes jsonb)
     ON CONFLICT (workspace_id, subject) DO NOTHING RETURNING ${COLUMNS}`,
    [workspaceId, at, JSON.stringify(rows)],
  );
}

/** @returns undefined when there is one of that name */
export async function insertSubject(
  manager: EntityManager,
  { workspaceId, at, ...subject }: NewSubject & { workspaceId: string; at: Date },
): Promise<StoredSubject | undefined> {
  const [inserted] = await insertSubjects(manager, { workspaceId, at }, [subject]);
  return inserted;
}

/** Writes profile and status of a subject that is locked. */
export async function updateSubject(
  manager: EntityManager,
  { id, displayName, email, groups, roles, attributes, status, version, updatedAt }: StoredSubject,
): Promise<void> {
  await manager.query(
    `UPDATE mfa.subjects SET display_name = $2, email = $3, groups = $4, roles = $5, attributes = $6, status = $7,
       version = $8, updated_at = $9 WHERE id = $1`,
    [id, displayName, email, groups, roles, JSON.stringify(attributes), status, version, updatedAt],
  );
}

/** What was opened in an older epoch (sessions, approvals, challenges) is not honoured any more. */
export async function raiseEpoch(manager: EntityManager, subjectId: string): Promise<void> {
  await manager.query('UPDATE mfa.subjects SET epoch = epoch + 1 WHERE id = $1', [subjectId]);
}
