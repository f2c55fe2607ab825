import type { EntityManager } from 'typeorm';
import type { FactorType } from '../factor.js';

/** A confirmed factor that is not revoked, with what policies ask of it. */
export interface StandingFactor {
  subjectId: string;
  type: FactorType;
  status: 'active' | 'locked';
  wasUsed: boolean;
}

/** Those of many subjects, by subject. */
export async function readStandingFactors(
  manager: EntityManager,
  subjectIds: readonly string[],
): Promise<Map<string, StandingFactor[]>> {
  const rows: StandingFactor[] = await manager.query(
    `SELECT subject_id AS "subjectId", type, status, last_used_at IS NOT NULL AS "wasUsed"
     FROM mfa.factors WHERE subject_id = ANY($1) AND status IN ('active', 'locked')`,
    [subjectIds],
  );
  const bySubject = new Map<string, StandingFactor[]>();
  for (const row of rows) bySubject.set(row.subjectId, [...(bySubject.get(row.subjectId) ?? []), row]);
  return bySubject;
}
