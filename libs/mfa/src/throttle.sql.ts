import type { EntityManager } from 'typeorm';
import type { SubjectName } from './subjects.sql.js';
import type { Throttle } from './throttle.js';

export async function writeSubjectThrottles(
  manager: EntityManager,
  throttles: readonly (Throttle & { subjectId: string })[],
): Promise<void> {
  if (throttles.length === 0) return;
  await manager.query(
    `UPDATE mfa.subjects s SET failures = t.failures, wait_until = t.wait_until
     FROM unnest($1::uuid[], $2::int[], $3::timestamptz[]) AS t (id, failures, wait_until) WHERE s.id = t.id`,
    [
      throttles.map(({ subjectId }) => subjectId),
      throttles.map(({ failures }) => failures),
      throttles.map(({ waitUntil }) => waitUntil),
    ],
  );
}

/** The throttle of a name that is nobody's. */
export type StrangerThrottle = SubjectName & Throttle;

/** The throttles of names that are nobody's, made when they are new and held to the end of the transaction. */
export async function lockStrangers(
  manager: EntityManager,
  names: readonly SubjectName[],
  at: Date,
): Promise<StrangerThrottle[]> {
  if (names.length === 0) return [];
  return manager.query(
    `INSERT INTO mfa.strangers (workspace_id, subject, seen_at)
     SELECT workspace_id, subject, $3 FROM unnest($1::uuid[], $2::text[]) AS n (workspace_id, subject) ORDER BY 1, 2
     ON CONFLICT (workspace_id, subject) DO UPDATE SET seen_at = excluded.seen_at
     RETURNING workspace_id AS "workspaceId", subject, failures, wait_until AS "waitUntil"`,
    [names.map(({ workspaceId }) => workspaceId), names.map(({ subject }) => subject), at],
  );
}

export async function writeStrangerThrottles(
  manager: EntityManager,
  throttles: readonly StrangerThrottle[],
): Promise<void> {
  if (throttles.length === 0) return;
  await manager.query(
    `UPDATE mfa.strangers s SET failures = t.failures, wait_until = t.wait_until
     FROM unnest($1::uuid[], $2::text[], $3::int[], $4::timestamptz[]) AS t (workspace_id, subject, failures, wait_until)
     WHERE s.workspace_id = t.workspace_id AND s.subject = t.subject`,
    [
      throttles.map(({ workspaceId }) => workspaceId),
      throttles.map(({ subject }) => subject),
      throttles.map(({ failures }) => failures),
      throttles.map(({ waitUntil }) => waitUntil),
    ],
  );
}

/** Forgets names that nobody tried for 30 days, `limit` at most. @returns how many */
export async function removeOldStrangers(manager: EntityManager, at: Date, limit: number): Promise<number> {
  const [, count]: [unknown, number] = await manager.query(
    `DELETE FROM mfa.strangers WHERE (workspace_id, subject) IN (
       SELECT workspace_id, subject FROM mfa.strangers WHERE seen_at < $1::timestamptz - interval '30 days'
       ORDER BY seen_at LIMIT $2 FOR UPDATE SKIP LOCKED)`,
    [at, limit],
  );
  return count;
}
