import type { EntityManager } from 'typeorm';
import type { FactorType } from './factor.js';

/** That more is demanded of a subject for a time. */
export interface SubjectDemand {
  /** Kinds of factors that the subject has, whatever they are worth. */
  factors: FactorType[];
}

/**
 * The demand on a row of `mfa.subjects` as a column, null where there is none: one that has not ended, and that nobody has
 * met since by a second factor. Read with the subject, so that a demand counts from the statement after its commit on.
 * @param at the parameter that has the time, such as `$3`
 */
export const demandColumn = (at: string): string =>
  `(SELECT json_build_object('factors', ARRAY(SELECT DISTINCT f.type FROM mfa.factors f
       WHERE f.subject_id = d.subject_id AND f.status = 'active' ORDER BY f.type))
     FROM mfa.subject_demands d WHERE d.subject_id = subjects.id AND d.until > ${at}::timestamptz
       AND NOT EXISTS (SELECT FROM mfa.verifications v WHERE v.subject_id = d.subject_id AND v.step_up_of IS NOT NULL
         AND v.result = 'accepted' AND v.at > d.since)) AS demand`;

/** The later end counts. @returns whether it is new, or for longer than it was */
export async function upsertDemand(
  manager: EntityManager,
  { subjectId, since, until, alertId }: { subjectId: string; since: Date; until: Date; alertId: string },
): Promise<boolean> {
  const rows: unknown[] = await manager.query(
    `INSERT INTO mfa.subject_demands AS d (subject_id, since, until, alert_id) VALUES ($1, $2, $3, $4)
     ON CONFLICT (subject_id) DO UPDATE SET since = excluded.since, until = excluded.until, alert_id = excluded.alert_id
     WHERE d.until < excluded.until RETURNING subject_id`,
    [subjectId, since, until, alertId],
  );
  return rows.length > 0;
}
