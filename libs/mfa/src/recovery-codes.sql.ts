import type { EntityManager } from 'typeorm';

/** A recovery code as it is stored: an HMAC, and the id of the key that made it. */
export interface CodeHash {
  keyId: string;
  hash: Buffer;
}

export async function insertRecoveryCodes(
  manager: EntityManager,
  { factorId, subjectId }: { factorId: string; subjectId: string },
  codes: readonly CodeHash[],
): Promise<void> {
  await manager.query(
    `INSERT INTO mfa.recovery_codes (factor_id, subject_id, key_id, code_hash)
     SELECT $1, $2, code.key_id, code.hash FROM unnest($3::text[], $4::bytea[]) AS code (key_id, hash)`,
    [factorId, subjectId, codes.map(({ keyId }) => keyId), codes.map(({ hash }) => hash)],
  );
}

/** @returns the set whose code this call used up; of any number of calls with one code, one gets it */
export async function useRecoveryCode(
  manager: EntityManager,
  factorIds: readonly string[],
  candidates: readonly CodeHash[],
  at: Date,
): Promise<string | undefined> {
  const [rows]: [{ factor_id: string }[], number] = await manager.query(
    `UPDATE mfa.recovery_codes SET used_at = $4
     WHERE factor_id = ANY($1) AND used_at IS NULL
       AND (key_id, code_hash) IN (SELECT * FROM unnest($2::text[], $3::bytea[]))
     RETURNING factor_id`,
    [factorIds, candidates.map(({ keyId }) => keyId), candidates.map(({ hash }) => hash), at],
  );
  return rows[0]?.factor_id;
}

/** @returns the set in which one of these codes is used up already */
export async function findUsedRecoveryCode(
  manager: EntityManager,
  factorIds: readonly string[],
  candidates: readonly CodeHash[],
): Promise<string | undefined> {
  const [row]: { factor_id: string }[] = await manager.query(
    `SELECT factor_id FROM mfa.recovery_codes
     WHERE factor_id = ANY($1) AND used_at IS NOT NULL
       AND (key_id, code_hash) IN (SELECT * FROM unnest($2::text[], $3::bytea[]))
     LIMIT 1`,
    [factorIds, candidates.map(({ keyId }) => keyId), candidates.map(({ hash }) => hash)],
  );
  return row?.factor_id;
}

export async function removeRecoveryCodes(manager: EntityManager, factorId: string): Promise<void> {
  await manager.query('DELETE FROM mfa.recovery_codes WHERE factor_id = $1', [factorId]);
}

/** Unused recovery codes whose hash was made with none of the keys `keyIds`. */
export async function countForeignCodes(manager: EntityManager, keyIds: readonly string[]): Promise<number> {
  const [row]: { count: number }[] = await manager.query(
    'SELECT count(*)::int AS count FROM mfa.recovery_codes WHERE used_at IS NULL AND key_id <> ALL($1)',
    [keyIds],
  );
  return row?.count ?? 0;
}
