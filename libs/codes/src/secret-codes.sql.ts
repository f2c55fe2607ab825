import type { CodeKind } from '@signet/contracts';
import type { EntityManager } from 'typeorm';

/** A secret code that was revoked or archived. */
export interface EndedSecret {
  codeId: string;
  kind: CodeKind;
  /** The actor. */
  by: string;
  reason: string | null;
  at: Date;
}

/** The first end of a code is the one that is told. */
export async function noteEndedSecrets(manager: EntityManager, ended: readonly EndedSecret[]): Promise<void> {
  if (ended.length === 0) return;
  await manager.query(
    `INSERT INTO codes.ended_secret_codes (code_id, kind, ended_by, reason, ended_at)
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
     ON CONFLICT (code_id) DO NOTHING`,
    [
      ended.map(({ codeId }) => codeId),
      ended.map(({ kind }) => kind),
      ended.map(({ by }) => by),
      ended.map(({ reason }) => reason),
      ended.map(({ at }) => at),
    ],
  );
}

/** Those that nobody has taken note of, the longest first. */
export function findEndedSecrets(manager: EntityManager, kind: CodeKind, limit: number): Promise<EndedSecret[]> {
  return manager.query(
    `SELECT code_id AS "codeId", kind, ended_by AS by, reason, ended_at AS at FROM codes.ended_secret_codes
     WHERE kind = $1 ORDER BY ended_at, code_id LIMIT $2`,
    [kind, limit],
  );
}

export async function forgetEndedSecret(manager: EntityManager, codeId: string): Promise<void> {
  await manager.query('DELETE FROM codes.ended_secret_codes WHERE code_id = $1', [codeId]);
}
