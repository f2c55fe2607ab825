import type { EntityManager } from 'typeorm';
import { demandColumn, type SubjectDemand } from '../subject-demands.sql.js';

/** What is demanded of a subject at a time, as a verification would find it; null: nothing. */
export async function readStandingDemand(
  manager: EntityManager,
  subjectId: string,
  at: Date,
): Promise<SubjectDemand | null> {
  const [row]: { demand: SubjectDemand | null }[] = await manager.query(
    `SELECT ${demandColumn('$2')} FROM mfa.subjects WHERE id = $1`,
    [subjectId, at],
  );
  return row?.demand ?? null;
}
