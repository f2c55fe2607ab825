import type { EntityManager } from 'typeorm';
import type { Throttle } from './throttle.js';

export async function writeSubjectThrottle(
  manager: EntityManager,
  subjectId: string,
  { failures, waitUntil }: Throttle,
): Promise<void> {
  await manager.query('UPDATE mfa.subjects SET failures = $2, wait_until = $3 WHERE id = $1', [
    subjectId,
    failures,
    waitUntil,
  ]);
}

export interface StrangerKey {
  workspaceId: string;
  /** A name that is nobody's. */
  subject: string;
}

/** The throttle of a name that is nobody's, made when it is new and held to the end of the transaction. */
export async function lockStranger(
  manager: EntityManager,
  { workspaceId, subject }: StrangerKey,
  at: Date,
): Promise<Throttle> {
  const [row]: Throttle[] = await manager.query(
    `INSERT INTO mfa.strangers (workspace_id, subject, seen_at) VALUES ($1, $2, $3)
     ON CONFLICT (workspace_id, subject) DO UPDATE SET seen_at = excluded.seen_at
     RETURNING failures, wait_until AS "waitUntil"`,
    [workspaceId, subject, at],
  );
  return row ?? { failures: 0, waitUntil: null };
}

export async function writeStrangerThrottle(
  manager: EntityManager,
  { workspaceId, subject }: StrangerKey,
  { failures, waitUntil }: Throttle,
): Promise<void> {
  await manager.query(
    'UPDATE mfa.strangers SET failures = $3, wait_until = $4 WHERE workspace_id = $1 AND subject = $2',
    [workspaceId, subject, failures, waitUntil],
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
