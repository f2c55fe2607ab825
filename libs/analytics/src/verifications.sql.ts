import type { EnrollmentEvent, ListVerificationsQuery, LoggedVerification, VerificationEvent } from '@signet/contracts';
import type { EntityManager } from 'typeorm';
import { storableText } from './scan-facts.js';
import type { TimeRange } from './time-range.js';

/** In the order of their ids, so that two writers that have some in common wait in line. */
export async function insertVerifications(manager: EntityManager, events: readonly VerificationEvent[]): Promise<void> {
  const rows = events
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, data }) => ({ id, at: Date.parse(data.at), data: storable(data) }));
  await manager.query(
    `INSERT INTO analytics.verifications (id, workspace_id, at, subject, result, reason, factor_type, country, device_type,
       data)
     SELECT id, (data->>'workspaceId')::uuid, to_timestamp(at / 1000), data->>'subject', data->>'result', data->>'reason',
       data->>'factorType', data->>'country', data->>'deviceType', data
     FROM json_to_recordset($1) AS event (id uuid, at float8, data jsonb) ON CONFLICT (id) DO NOTHING`,
    [JSON.stringify(rows)],
  );
}

const storable = (data: object): object =>
  Object.fromEntries(
    Object.entries(data).map(([name, value]) => [name, typeof value === 'string' ? storableText(value) : value]),
  );

const states = {
  'enrollment.created': 'created',
  'enrollment.opened': 'opened',
  'enrollment.claimed': 'claimed',
  'enrollment.confirmed': 'confirmed',
  'enrollment.expired': 'expired',
  'enrollment.revoked': 'revoked',
} as const;
const STATES = Object.values(states);
const isStep = (type: string): type is keyof typeof states => type in states;

/** Keeps the first time of each state, so that events may come in any order and more than once. */
export async function noteEnrollments(manager: EntityManager, events: readonly EnrollmentEvent[]): Promise<void> {
  const steps = new Map<string, { id: string; workspace: string; times: Record<string, string> }>();
  for (const { type, data } of events) {
    if (!data.enrollmentId || !isStep(type)) continue;
    const id = data.enrollmentId.toLowerCase();
    const step = steps.get(id) ?? { id, workspace: data.workspaceId, times: {} };
    const known = step.times[states[type]];
    if (known === undefined || data.at < known) step.times[states[type]] = data.at;
    steps.set(id, step);
  }
  if (steps.size === 0) return;
  const rows = [...steps.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  await manager.query(
    `INSERT INTO analytics.enrollments AS e (enrollment_id, workspace_id, ${STATES.map((state) => `${state}_at`).join(', ')})
     SELECT id, workspace, ${STATES.map((state) => `(times->>'${state}')::timestamptz`).join(', ')}
     FROM json_to_recordset($1) AS step (id uuid, workspace uuid, times jsonb)
     ON CONFLICT (enrollment_id) DO UPDATE
     SET ${STATES.map((state) => `${state}_at = least(e.${state}_at, excluded.${state}_at)`).join(', ')}`,
    [JSON.stringify(rows)],
  );
}

export interface VerificationFilter extends Omit<ListVerificationsQuery, 'limit' | 'cursor'> {
  workspaceId: string;
  /** The last row of the page before. */
  past?: [at: string, id: string];
  order: 'newest' | 'oldest';
  limit: number;
}

export async function listVerifications(
  manager: EntityManager,
  { workspaceId, past, order, limit, ...filter }: VerificationFilter,
): Promise<LoggedVerification[]> {
  const { subject, result, reason, factorType, codeId, country, from, to } = filter;
  const [compare, direction] = order === 'newest' ? ['<', 'DESC'] : ['>', 'ASC'];
  const rows: { id: string; data: Omit<LoggedVerification, 'id'> }[] = await manager.query(
    `SELECT id, data FROM analytics.verifications
     WHERE workspace_id = $1 AND ($2::text IS NULL OR subject = $2) AND ($3::text IS NULL OR result = $3)
       AND ($4::text IS NULL OR reason = $4) AND ($5::text IS NULL OR factor_type = $5)
       AND ($6::text IS NULL OR lower(data->>'codeId') = lower($6)) AND ($7::text IS NULL OR country = $7)
       AND ($8::timestamptz IS NULL OR at >= $8) AND ($9::timestamptz IS NULL OR at < $9)
       AND ($10::timestamptz IS NULL OR (at, id) ${compare} ($10, $11::uuid))
     ORDER BY at ${direction}, id ${direction} LIMIT $12`,
    [
      workspaceId,
      subject ?? null,
      result ?? null,
      reason ?? null,
      factorType ?? null,
      codeId ?? null,
      country ?? null,
      from ?? null,
      to ?? null,
      past?.[0] ?? null,
      past?.[1] ?? null,
      limit,
    ],
  );
  return rows.map(({ id, data }) => ({ ...data, id }));
}

export interface ResultCount {
  /** Start of the UTC minute. */
  at: Date;
  result: 'accepted' | 'rejected' | 'step_up';
  count: number;
}

/** Attempts by minute and result: the smallest part of any bucket. */
export function countResults(
  manager: EntityManager,
  workspaceId: string,
  { from, to }: TimeRange,
): Promise<ResultCount[]> {
  return manager.query(
    `SELECT date_trunc('minute', at, 'UTC') AS at, result, count(*)::float8 AS count FROM analytics.verifications
     WHERE workspace_id = $1 AND at >= $2 AND at < $3 GROUP BY 1, 2`,
    [workspaceId, from, to],
  );
}

export interface AttemptCount {
  dimension: 'result' | 'reason' | 'factor' | 'country' | 'device';
  value: string;
  count: number;
}

/** The first 200 values of each dimension. */
export function countAttempts(
  manager: EntityManager,
  workspaceId: string,
  { from, to }: TimeRange,
): Promise<AttemptCount[]> {
  return manager.query(
    `SELECT dimension, value, count FROM (
       SELECT fact.dimension, fact.value, count(*)::float8 AS count,
         row_number() OVER (PARTITION BY fact.dimension ORDER BY count(*) DESC, fact.value COLLATE "C") AS rank
       FROM analytics.verifications v CROSS JOIN LATERAL (VALUES ('result', v.result), ('reason', v.reason),
         ('factor', v.factor_type), ('country', v.country), ('device', v.device_type)) AS fact (dimension, value)
       WHERE v.workspace_id = $1 AND v.at >= $2 AND v.at < $3 AND fact.value IS NOT NULL
       GROUP BY fact.dimension, fact.value
     ) AS counted WHERE rank <= 200 ORDER BY dimension, rank`,
    [workspaceId, from, to],
  );
}

/** Attempts of one subject that are this far apart, in seconds, are not one sign-in. */
const SIGN_IN_SECONDS = 600;

/**
 * Distinct subjects, and how long a sign-in took that did not succeed at once: from the first of the attempts that
 * failed or asked for more, to the one that was accepted.
 */
export async function summariseSignIns(
  manager: EntityManager,
  workspaceId: string,
  { from, to }: TimeRange,
): Promise<{ subjects: number; medianSecondsToAccept: number | null }> {
  const [row]: { subjects: number; medianSecondsToAccept: number | null }[] = await manager.query(
    `WITH attempts AS (
       SELECT subject, at, id, result, lag(result) OVER by_subject AS before, at - lag(at) OVER by_subject AS pause
       FROM analytics.verifications WHERE workspace_id = $1 AND at >= $2 AND at < $3
       WINDOW by_subject AS (PARTITION BY subject ORDER BY at, id)
     ), numbered AS (
       SELECT subject, at, result, count(*) FILTER (WHERE before IS NULL OR before = 'accepted'
           OR pause > make_interval(secs => ${SIGN_IN_SECONDS})) OVER (PARTITION BY subject ORDER BY at, id) AS sign_in
       FROM attempts
     ), sign_ins AS (
       SELECT extract(epoch FROM max(at) - min(at)) AS seconds FROM numbered GROUP BY subject, sign_in
       HAVING bool_or(result = 'accepted') AND count(*) > 1
     )
     SELECT (SELECT count(DISTINCT subject)::float8 FROM attempts) AS subjects,
       (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds::float8) FROM sign_ins) AS "medianSecondsToAccept"`,
    [workspaceId, from, to],
  );
  return row ?? { subjects: 0, medianSecondsToAccept: null };
}

export interface Funnel {
  created: number;
  opened: number;
  claimed: number;
  confirmed: number;
  expired: number;
  revoked: number;
  medianSecondsToConfirm: number | null;
}

/**
 * How far the enrollments that were created in a range have come. Who came further was there before: a claimed one
 * counts as opened, also when nobody told of it.
 */
export async function readFunnel(
  manager: EntityManager,
  workspaceId: string,
  { from, to }: TimeRange,
): Promise<Funnel> {
  const [row]: Funnel[] = await manager.query(
    `SELECT count(*)::float8 AS created,
       count(COALESCE(opened_at, claimed_at, confirmed_at))::float8 AS opened,
       count(COALESCE(claimed_at, confirmed_at))::float8 AS claimed,
       count(confirmed_at)::float8 AS confirmed,
       count(*) FILTER (WHERE expired_at IS NOT NULL AND confirmed_at IS NULL)::float8 AS expired,
       count(*) FILTER (WHERE revoked_at IS NOT NULL AND confirmed_at IS NULL)::float8 AS revoked,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM confirmed_at - created_at)::float8)
         AS "medianSecondsToConfirm"
     FROM analytics.enrollments WHERE workspace_id = $1 AND created_at >= $2 AND created_at < $3`,
    [workspaceId, from, to],
  );
  if (!row) throw new Error('an aggregate has one row');
  return row;
}

/** @returns how many were deleted, `limit` at most */
export async function removeVerificationsBefore(manager: EntityManager, before: Date, limit: number): Promise<number> {
  const [, count]: [unknown, number] = await manager.query(
    `DELETE FROM analytics.verifications WHERE id IN (
       SELECT id FROM analytics.verifications WHERE at < $1 ORDER BY at LIMIT $2)`,
    [before, limit],
  );
  return count;
}
