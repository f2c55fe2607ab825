import type { DeliveryAttempt, DeliveryState, WebhookDelivery, WebhookDeliveryDetail } from '@signet/contracts';
import type { EntityManager } from 'typeorm';

/** An event for an endpoint. */
export interface NewDelivery {
  id: string;
  endpointId: string;
  eventId: string;
}

export interface Message {
  eventId: string;
  workspaceId: string;
  type: string;
  /** The CloudEvent as the log has it. */
  body: Buffer;
  /** Whom it names; null: nobody. */
  subject: string | null;
}

/** Queues events for endpoints; what is queued already stays as it is. @returns how many are new */
export async function queueDeliveries(
  manager: EntityManager,
  messages: readonly Message[],
  deliveries: readonly NewDelivery[],
  at: Date,
): Promise<number> {
  await manager.query(
    `INSERT INTO delivery.messages (event_id, workspace_id, type, body, created_at, subject)
     SELECT event_id, workspace_id, type, body, $5, subject
     FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bytea[], $6::text[])
       AS m (event_id, workspace_id, type, body, subject)
     ON CONFLICT (event_id) DO NOTHING`,
    [
      messages.map(({ eventId }) => eventId),
      messages.map(({ workspaceId }) => workspaceId),
      messages.map(({ type }) => type),
      messages.map(({ body }) => body),
      at,
      messages.map(({ subject }) => subject),
    ],
  );
  const rows: unknown[] = await manager.query(
    `INSERT INTO delivery.deliveries (id, endpoint_id, event_id, state, next_attempt_at, created_at)
     SELECT id, endpoint_id, event_id, 'pending', $4, $4 FROM unnest($1::uuid[], $2::uuid[], $3::uuid[])
       AS d (id, endpoint_id, event_id)
     ON CONFLICT (endpoint_id, event_id) DO NOTHING RETURNING id`,
    [
      deliveries.map(({ id }) => id),
      deliveries.map(({ endpointId }) => endpointId),
      deliveries.map(({ eventId }) => eventId),
      at,
    ],
  );
  return rows.length;
}

/**
 * Queues deliveries again that were made, or given up, before; those still pending become due. What was erased is not sent
 * again. @returns how many
 */
export async function requeueDeliveries(
  manager: EntityManager,
  {
    endpointId,
    eventIds,
    failedOnly = false,
  }: { endpointId: string; eventIds: readonly string[]; failedOnly?: boolean },
  at: Date,
): Promise<number> {
  const [, count]: [unknown, number] = await manager.query(
    `UPDATE delivery.deliveries SET state = 'pending', next_attempt_at = $3, ended_at = NULL
     WHERE endpoint_id = $1 AND event_id = ANY($2) AND NOT ($4 AND state = 'delivered')
       AND NOT EXISTS (SELECT 1 FROM delivery.messages m WHERE m.event_id = deliveries.event_id AND m.erased_at IS NOT NULL)`,
    [endpointId, eventIds, at, failedOnly],
  );
  return count;
}

/** A delivery that this process is to make now. */
export interface DueDelivery {
  id: string;
  endpointId: string;
  workspaceId: string;
  url: string;
  eventId: string;
  type: string;
  body: Buffer;
  /** 1 for the first. */
  attempt: number;
}

interface DueLimits {
  /** Of all endpoints together. */
  limit: number;
  perEndpoint: number;
  /** What this process has under way, by endpoint. */
  busy: ReadonlyMap<string, number>;
  at: Date;
  /** When another process may take it for lost. */
  lostAt: Date;
}

/**
 * Takes deliveries that are due, the longest waiting of each endpoint first, so that no endpoint waits behind another.
 * A process that dies with them leaves them to be taken again at `lostAt`: at least once.
 */
export async function takeDue(
  manager: EntityManager,
  { limit, perEndpoint, busy, at, lostAt }: DueLimits,
): Promise<DueDelivery[]> {
  const [rows]: [
    {
      id: string;
      endpoint_id: string;
      workspace_id: string;
      url: string;
      event_id: string;
      type: string;
      body: Buffer;
      attempts: number;
    }[],
    number,
  ] = await manager.query(
    `WITH due AS MATERIALIZED (
       SELECT d.id, e.workspace_id, e.url FROM delivery.endpoints e
       LEFT JOIN unnest($3::uuid[], $4::int[]) AS b (endpoint_id, busy) ON b.endpoint_id = e.id
       CROSS JOIN LATERAL (
         SELECT id FROM delivery.deliveries
         WHERE endpoint_id = e.id AND state = 'pending' AND next_attempt_at <= $1
         ORDER BY next_attempt_at LIMIT GREATEST(0, $5 - COALESCE(b.busy, 0)) FOR UPDATE SKIP LOCKED
       ) d
       WHERE e.enabled LIMIT $6
     )
     UPDATE delivery.deliveries d SET attempts = d.attempts + 1, next_attempt_at = $2
     FROM due, delivery.messages m WHERE d.id = due.id AND m.event_id = d.event_id
     RETURNING d.id, d.endpoint_id, due.workspace_id, due.url, d.event_id, m.type, m.body, d.attempts`,
    [at, lostAt, [...busy.keys()], [...busy.values()], perEndpoint, limit],
  );
  return rows.map((row) => ({
    id: row.id,
    endpointId: row.endpoint_id,
    workspaceId: row.workspace_id,
    url: row.url,
    eventId: row.event_id,
    type: row.type,
    body: row.body,
    attempt: row.attempts,
  }));
}

/** How an attempt ended, and what follows. */
export interface AttemptResult extends Omit<DeliveryAttempt, 'number'> {
  deliveryId: string;
  number: number;
  state: DeliveryState;
  nextAttemptAt: string | null;
}

/** Of two attempts that were under way at once, the one that succeeded counts; and what was ended meanwhile stays so. */
export async function storeResults(manager: EntityManager, results: readonly AttemptResult[]): Promise<void> {
  await manager.query(
    `WITH result AS (
       SELECT "deliveryId", number, at, milliseconds, status, failure, "responseType", "responseBody", state, "nextAttemptAt"
       FROM jsonb_to_recordset($1::jsonb) AS r ("deliveryId" uuid, number int, at timestamptz, milliseconds int, status int,
         failure text, "responseType" text, "responseBody" text, state text, "nextAttemptAt" timestamptz)
     ),
     logged AS (
       INSERT INTO delivery.attempts (delivery_id, number, at, milliseconds, status, failure, response_type, response_body)
       SELECT "deliveryId", number, at, milliseconds, status, failure, "responseType", "responseBody" FROM result
       ON CONFLICT (delivery_id, number) DO NOTHING
     )
     UPDATE delivery.deliveries d SET state = r.state, next_attempt_at = r."nextAttemptAt", last_status = r.status,
       last_failure = r.failure, ended_at = CASE WHEN r.state <> 'pending' THEN r.at END
     FROM result r WHERE d.id = r."deliveryId" AND (d.state = 'pending' OR r.state = 'delivered')`,
    [JSON.stringify(results)],
  );
}

const COLUMNS = `d.id, d.event_id, m.type, d.state, d.attempts, d.next_attempt_at, d.last_status, d.last_failure, d.created_at,
  d.ended_at`;

interface DeliveryRow {
  id: string;
  event_id: string;
  type: string;
  state: DeliveryState;
  attempts: number;
  next_attempt_at: Date | null;
  last_status: number | null;
  last_failure: string | null;
  created_at: Date;
  ended_at: Date | null;
}

const toDelivery = (row: DeliveryRow): WebhookDelivery => ({
  id: row.id,
  eventId: row.event_id,
  eventType: row.type,
  state: row.state,
  attempts: row.attempts,
  nextAttemptAt: row.state === 'pending' ? (row.next_attempt_at?.toISOString() ?? null) : null,
  lastStatus: row.last_status,
  lastFailure: row.last_failure,
  createdAt: row.created_at.toISOString(),
  endedAt: row.ended_at?.toISOString() ?? null,
});

export interface DeliveryPosition {
  createdAt: string;
  id: string;
}

/** Newest first. */
export async function listDeliveries(
  manager: EntityManager,
  endpointId: string,
  filter: { state?: DeliveryState; eventType?: string; before?: DeliveryPosition; limit: number },
): Promise<WebhookDelivery[]> {
  const { state, eventType, before, limit } = filter;
  const rows: DeliveryRow[] = await manager.query(
    `SELECT ${COLUMNS} FROM delivery.deliveries d JOIN delivery.messages m ON m.event_id = d.event_id
     WHERE d.endpoint_id = $1 AND ($2::text IS NULL OR d.state = $2) AND ($3::text IS NULL OR m.type = $3)
       AND ($4::timestamptz IS NULL OR (d.created_at, d.id) < ($4::timestamptz, $5::uuid))
     ORDER BY d.created_at DESC, d.id DESC LIMIT $6`,
    [endpointId, state ?? null, eventType ?? null, before?.createdAt ?? null, before?.id ?? null, limit],
  );
  return rows.map(toDelivery);
}

export async function findDelivery(
  manager: EntityManager,
  endpointId: string,
  id: string,
): Promise<WebhookDeliveryDetail | undefined> {
  const [row]: (DeliveryRow & { body: Buffer })[] = await manager.query(
    `SELECT ${COLUMNS}, m.body FROM delivery.deliveries d JOIN delivery.messages m ON m.event_id = d.event_id
     WHERE d.endpoint_id = $1 AND d.id = $2`,
    [endpointId, id],
  );
  if (!row) return undefined;
  const attempts: (Omit<DeliveryAttempt, 'at' | 'responseType' | 'responseBody'> & {
    at: Date;
    response_type: string | null;
    response_body: string | null;
  })[] = await manager.query(
    `SELECT number, at, milliseconds, status, failure, response_type, response_body FROM delivery.attempts
     WHERE delivery_id = $1 ORDER BY number`,
    [id],
  );
  const log = attempts.map(({ at, response_type, response_body, ...attempt }) => ({
    ...attempt,
    at: at.toISOString(),
    responseType: response_type,
    responseBody: response_body,
  }));
  return { ...toDelivery(row), event: JSON.parse(row.body.toString()), log };
}

/** Forgets what is older, a bounded number at a time. @returns whether there may be more */
export async function removeOldMessages(manager: EntityManager, before: Date, limit: number): Promise<boolean> {
  const [rows]: [{ event_id: string }[], number] = await manager.query(
    `DELETE FROM delivery.messages WHERE event_id IN (
       SELECT event_id FROM delivery.messages WHERE created_at < $1 ORDER BY created_at LIMIT $2)
     RETURNING event_id`,
    [before, limit],
  );
  const ids = rows.map((row) => row.event_id);
  const [deliveries]: [{ id: string }[], number] = await manager.query(
    'DELETE FROM delivery.deliveries WHERE event_id = ANY($1) RETURNING id',
    [ids],
  );
  await manager.query('DELETE FROM delivery.attempts WHERE delivery_id = ANY($1)', [deliveries.map(({ id }) => id)]);
  return rows.length === limit;
}

export interface QueueDepth {
  pending: number;
  /** Seconds that the longest overdue has been waiting; 0 when none is. */
  oldestSeconds: number;
}

export async function readQueueDepth(manager: EntityManager, at: Date): Promise<QueueDepth> {
  const [row]: { pending: number; oldest: Date | null }[] = await manager.query(
    `SELECT count(*)::int AS pending, min(next_attempt_at) AS oldest FROM delivery.deliveries WHERE state = 'pending'`,
  );
  const oldestSeconds = row?.oldest ? Math.max(0, (at.getTime() - row.oldest.getTime()) / 1000) : 0;
  return { pending: row?.pending ?? 0, oldestSeconds };
}
