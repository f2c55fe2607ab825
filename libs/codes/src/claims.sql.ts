import { NONCE_TTL_SECONDS } from '@signet/platform';
import type { EntityManager } from 'typeorm';

export interface Claim {
  codeId: string;
  at: Date;
  /** SHA-256 (hex) of the interstitial's nonce, by which a claimant whose answer got lost is known again. */
  nonceHash?: string;
  /** Where the claimant is sent, as chosen by this version of the code; absent: to the URL of its target. */
  chosen?: { version: number; url: string };
}

/** `outdated`: the code has changed since the target was chosen. Nothing was used; it has to be chosen again. */
export type ClaimRefusal =
  | 'exhausted'
  | 'revoked'
  | 'expired'
  | 'paused'
  | 'archived'
  | 'not-active-yet'
  | 'unknown'
  | 'outdated';

/**
 * `used`: all uses of the code after this decision. `useNumber`: which of them this one is; null, as `maxScans` is, when
 * the code has no limit (any more).
 */
export type Decision =
  | {
      outcome: 'claimed' | 'repeated';
      url: string;
      codeVersion: number;
      useNumber: number | null;
      used: number;
      maxScans: number | null;
    }
  | { outcome: 'refused'; reason: ClaimRefusal; used: number };

interface DecisionRow {
  outcome: 'claimed' | 'repeated' | 'stale' | ClaimRefusal;
  url: string;
  code_version: number;
  use_number: number | null;
  used: number;
  max_scans: number | null;
}

/**
 * Decides many claims in one statement, which commits by itself outside a transaction. No two may have the same code
 * and nonce.
 *
 * READ COMMITTED: a statement sees what was committed when it began (its snapshot), but `FOR UPDATE` waits for whoever
 * holds the row and then returns the row as it is *after* that. So `locked` has the newest state, limit and count, and
 * nobody changes them until the commit: a revoke that returned is seen, one under way is waited for, and use numbers are
 * given out by one statement at a time. Rows are locked in the order of their ids, so that statements can't deadlock. A
 * target that was chosen by the rules of another version than the locked one is not used: the claimant must be sent
 * where the code leads now.
 *
 * What it can't see is a use in `codes.uses` that was recorded while it waited. Every use raises the count, so a count
 * that is not that of the snapshot gives this away: claims with a nonce of such a code are answered `stale`, nothing
 * done. Decided again under `lockCodes`, in the same transaction, none can be stale.
 * @returns a decision for each claim, in their order
 */
export async function decideClaims(manager: EntityManager, claims: readonly Claim[]): Promise<(Decision | 'stale')[]> {
  const rows: DecisionRow[] = await manager.query(
    `WITH asked AS (
       SELECT code_id, nonce, at, chosen_version, chosen_url, n
       FROM unnest($1::uuid[], $2::bytea[], $3::timestamptz[], $5::int[], $6::text[])
         WITH ORDINALITY AS a (code_id, nonce, at, chosen_version, chosen_url, n)
     ),
     seen AS MATERIALIZED (SELECT id, scans_used FROM codes.codes WHERE id = ANY($1)),
     locked AS MATERIALIZED (
       SELECT id, state, version, target->>'url' AS url, active_from, expires_at, max_scans, scans_used
       FROM codes.codes WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE
     ),
     judged AS (
       SELECT a.n, a.code_id, a.nonce, a.at, l.version, COALESCE(a.chosen_url, l.url, '') AS url, l.max_scans, l.scans_used, u.target_url AS used_url, u.use_no AS used_no,
         CASE
           WHEN l.id IS NULL THEN 'unknown'
           WHEN l.state <> 'active' THEN l.state
           WHEN a.at >= l.expires_at THEN 'expired'
           WHEN a.nonce IS NOT NULL AND s.scans_used <> l.scans_used THEN 'stale'
           WHEN u.at > a.at - make_interval(secs => $4) THEN CASE WHEN a.at < l.active_from THEN 'not-active-yet' ELSE 'repeated' END
           WHEN l.scans_used >= l.max_scans THEN 'exhausted'
           WHEN a.at < l.active_from THEN 'not-active-yet'
           WHEN a.chosen_version <> l.version THEN 'outdated'
           ELSE 'claimed'
         END AS verdict
       FROM asked a
       LEFT JOIN locked l ON l.id = a.code_id
       LEFT JOIN seen s ON s.id = a.code_id
       LEFT JOIN codes.uses u ON u.code_id = a.code_id AND u.nonce_hash = a.nonce
     ),
     numbered AS (
       SELECT n, code_id, nonce, at, version, url, max_scans, scans_used, used_url, used_no, verdict,
         CASE WHEN verdict = 'claimed' AND max_scans IS NOT NULL
           THEN scans_used + (row_number() OVER (PARTITION BY code_id, verdict ORDER BY n))::int END AS use_no
       FROM judged
     ),
     decided AS (
       SELECT n, code_id, nonce, at, version, url, max_scans, scans_used, used_url, used_no,
         CASE WHEN use_no > max_scans THEN NULL ELSE use_no END AS use_no,
         CASE WHEN use_no > max_scans THEN 'exhausted' ELSE verdict END AS outcome
       FROM numbered
     ),
     counted AS (
       UPDATE codes.codes c SET scans_used = g.used
       FROM (SELECT code_id, max(use_no) AS used FROM decided WHERE use_no IS NOT NULL GROUP BY code_id) g
       WHERE c.id = g.code_id
     ),
     recorded AS (
       -- A nonce that comes back after its time is an ordinary claim: it can't be recorded twice, nor be repeated again.
       INSERT INTO codes.uses (code_id, use_no, nonce_hash, target_url, at)
       SELECT code_id, use_no, CASE WHEN used_url IS NULL THEN nonce END, url, at FROM decided WHERE use_no IS NOT NULL
     )
     SELECT outcome, CASE WHEN outcome = 'repeated' THEN used_url ELSE url END AS url, version AS code_version, max_scans,
       CASE WHEN outcome = 'repeated' THEN used_no ELSE use_no END AS use_number,
       GREATEST(scans_used, max(use_no) OVER (PARTITION BY code_id), 0) AS used
     FROM decided ORDER BY n`,
    [
      claims.map(({ codeId }) => codeId),
      claims.map(({ nonceHash }) => (nonceHash === undefined ? null : Buffer.from(nonceHash, 'hex'))),
      claims.map(({ at }) => at),
      NONCE_TTL_SECONDS,
      claims.map(({ chosen }) => chosen?.version ?? null),
      claims.map(({ chosen }) => chosen?.url ?? null),
    ],
  );
  return rows.map(toDecision);
}

/**
 * Uses a single-use code up in the caller's transaction, which decides what comes of it.
 * @returns whether this call did; of any number of calls at once, one does
 */
export async function useUp(manager: EntityManager, id: string, at: Date): Promise<boolean> {
  const used: unknown[] = await manager.query(
    `WITH used AS (
       UPDATE codes.codes SET scans_used = max_scans
       WHERE id = $1 AND state = 'active' AND scans_used < max_scans AND (expires_at IS NULL OR expires_at > $2)
       RETURNING id, max_scans
     )
     INSERT INTO codes.uses (code_id, use_no, target_url, at) SELECT id, max_scans, '', $2 FROM used
     RETURNING code_id`,
    [id, at],
  );
  return used.length === 1;
}

/** Waits for whoever holds these codes and keeps them to the end of the transaction. */
export async function lockCodes(manager: EntityManager, ids: readonly string[]): Promise<void> {
  await manager.query('SELECT id FROM codes.codes WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE', [ids]);
}

function toDecision({ outcome, url, code_version, use_number, used, max_scans }: DecisionRow): Decision | 'stale' {
  if (outcome === 'stale') return outcome;
  if (outcome === 'claimed' || outcome === 'repeated')
    return { outcome, url, codeVersion: code_version, useNumber: use_number, used, maxScans: max_scans };
  return { outcome: 'refused', reason: outcome, used };
}
