import type { EntityManager } from 'typeorm';
import type { StoredCode } from './code.js';
import { COLUMNS, toStoredCode, type CodeRow } from './codes.sql.js';

/** A code that has ended, as it is now, and when it ended. */
export interface EndedCode {
  code: StoredCode;
  endedAt: Date;
}
type EndedRow = CodeRow & { ended_at: Date };

/** Live codes whose time is over and not told. Partial indexes hold what is due, so a million others cost nothing. */
export async function findExpired(manager: EntityManager, at: Date, limit: number): Promise<string[]> {
  const rows: { id: string }[] = await manager.query(
    `SELECT id FROM codes.codes WHERE state = 'active' AND NOT expired_told AND expires_at <= $1
     ORDER BY expires_at LIMIT $2`,
    [at, limit],
  );
  return rows.map(({ id }) => id);
}

/** Live codes that are used up and of which that is not told. */
export async function findUsedUp(manager: EntityManager, limit: number): Promise<string[]> {
  const rows: { id: string }[] = await manager.query(
    `SELECT id FROM codes.codes WHERE state = 'active' AND NOT exhausted_told AND used_up ORDER BY id LIMIT $1`,
    [limit],
  );
  return rows.map(({ id }) => id);
}

/*
 * The marks are set on what is due by now, and skip what is being claimed: that is seen in the next round. No version is
 * made, as nothing is changed that anybody can see.
 */

/** Marks those that have expired as told. A code that was edited or resumed after its end ended by that. */
export async function markExpired(manager: EntityManager, ids: readonly string[], at: Date): Promise<EndedCode[]> {
  const [rows]: [EndedRow[], number] = await manager.query(
    `WITH due AS MATERIALIZED (
       SELECT id FROM codes.codes WHERE id = ANY($1) AND state = 'active' AND NOT expired_told AND expires_at <= $2
       FOR NO KEY UPDATE SKIP LOCKED
     )
     UPDATE codes.codes SET expired_told = true WHERE id IN (SELECT id FROM due)
     RETURNING ${COLUMNS}, GREATEST(expires_at, updated_at) AS ended_at`,
    [ids, at],
  );
  return rows.map(toEnded);
}

/** Marks those that are used up as told. They ended with their last use, or with the edit that lowered the limit. */
export async function markUsedUp(manager: EntityManager, ids: readonly string[]): Promise<EndedCode[]> {
  const [rows]: [EndedRow[], number] = await manager.query(
    `WITH due AS MATERIALIZED (
       SELECT id FROM codes.codes WHERE id = ANY($1) AND state = 'active' AND NOT exhausted_told AND used_up
       FOR NO KEY UPDATE SKIP LOCKED
     )
     UPDATE codes.codes SET exhausted_told = true WHERE id IN (SELECT id FROM due)
     RETURNING ${COLUMNS}, GREATEST(updated_at,
       (SELECT at FROM codes.uses WHERE code_id = id AND use_no = scans_used)) AS ended_at`,
    [ids],
  );
  return rows.map(toEnded);
}

const toEnded = ({ ended_at: endedAt, ...row }: EndedRow): EndedCode => ({ code: toStoredCode(row), endedAt });
