import type { TargetHealth } from '@signet/contracts';
import type { EntityManager } from 'typeorm';
import type { StoredCode } from './code.js';
import { COLUMNS, toStoredCode, type CodeRow } from './codes.sql.js';

/** As the partial index `codes_to_check` has it: a million codes that are not due cost nothing. */
const CHECKABLE = `state = 'active' AND kind IN ('link', 'app', 'page')`;

/**
 * Gives codes that nobody has planned for a time within the interval, each another one.
 * @returns how many
 */
export async function planChecks(
  manager: EntityManager,
  { at, intervalMilliseconds, limit }: { at: Date; intervalMilliseconds: number; limit: number },
): Promise<number> {
  const [, count]: [unknown, number] = await manager.query(
    `WITH unplanned AS MATERIALIZED (
       SELECT id FROM codes.codes WHERE ${CHECKABLE} AND check_at = '-infinity' LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED
     )
     UPDATE codes.codes SET check_at = $1::timestamptz + random() * $2 * interval '1 millisecond'
     WHERE id IN (SELECT id FROM unplanned)`,
    [at, intervalMilliseconds, limit],
  );
  return count;
}

/**
 * Codes that are due, which no other instance takes before `until`: if this one dies, they are due again then.
 */
export async function takeDueChecks(
  manager: EntityManager,
  { at, until, limit }: { at: Date; until: Date; limit: number },
): Promise<StoredCode[]> {
  const [rows]: [CodeRow[], number] = await manager.query(
    `WITH due AS MATERIALIZED (
       SELECT id FROM codes.codes WHERE ${CHECKABLE} AND check_at > '-infinity' AND check_at <= $1
       ORDER BY check_at LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED
     )
     UPDATE codes.codes SET check_at = $2 WHERE id IN (SELECT id FROM due) RETURNING ${COLUMNS}`,
    [at, until, limit],
  );
  return rows.map(toStoredCode);
}

/** Looks at a code again at another time, without having looked now. */
export async function postponeCheck(manager: EntityManager, id: string, checkAt: Date): Promise<void> {
  await manager.query('UPDATE codes.codes SET check_at = $2 WHERE id = $1', [id, checkAt]);
}

/** Notes what a check found, without a new version: nobody has changed the code. */
export async function writeTargetHealth(
  manager: EntityManager,
  id: string,
  { health, checkAt }: { health: TargetHealth; checkAt: Date },
): Promise<void> {
  await manager.query('UPDATE codes.codes SET target_health = $2, check_at = $3 WHERE id = $1', [
    id,
    JSON.stringify(health),
    checkAt,
  ]);
}
