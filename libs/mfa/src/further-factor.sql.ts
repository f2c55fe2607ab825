import type { EntityManager } from 'typeorm';

/** @returns how many factors of a subject are confirmed and not revoked, recovery codes too */
export async function countStandingFactors(manager: EntityManager, subjectId: string): Promise<number> {
  const [row]: { count: number }[] = await manager.query(
    `SELECT count(*)::int AS count FROM mfa.factors WHERE subject_id = $1 AND status IN ('active', 'locked')`,
    [subjectId],
  );
  return row?.count ?? 0;
}

/** @returns how many factors of the subject stand beside `factorId`, recovery codes left out */
export async function countOtherFactors(
  manager: EntityManager,
  { subjectId, factorId }: { subjectId: string; factorId: string },
): Promise<number> {
  const [row]: { count: number }[] = await manager.query(
    `SELECT count(*)::int AS count FROM mfa.factors
     WHERE subject_id = $1 AND id <> $2 AND type <> 'recovery' AND status IN ('active', 'locked')`,
    [subjectId, factorId],
  );
  return row?.count ?? 0;
}

/** Whether a subject was let in by that verification in the last five minutes, by a factor that is active still. */
export async function isFreshlyVerified(
  manager: EntityManager,
  { verificationId, subjectId, at }: { verificationId: string; subjectId: string; at: Date },
): Promise<boolean> {
  const found: unknown[] = await manager.query(
    `SELECT FROM mfa.verifications v JOIN mfa.factors f ON f.id = v.factor_id
     WHERE v.id = $1 AND v.subject_id = $2 AND v.result = 'accepted' AND f.status = 'active'
       AND v.at > $3::timestamptz - interval '5 minutes'`,
    [verificationId, subjectId, at],
  );
  return found.length > 0;
}
