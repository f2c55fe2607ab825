import type { ChannelKind, NotificationChannel } from '@signet/contracts';
import type { EntityManager } from 'typeorm';
import type { ToldAlert } from './notification.js';

/** What decides whether a channel is told of an alert. */
export type ListeningChannel = Pick<NotificationChannel, 'id' | 'minSeverity' | 'alertKinds' | 'resolved'> & {
  workspaceId: string;
  since: Date;
};

export function findListeningChannels(
  manager: EntityManager,
  workspaceIds: readonly string[],
): Promise<ListeningChannel[]> {
  return manager.query(
    `SELECT id, workspace_id AS "workspaceId", min_severity AS "minSeverity", alert_kinds AS "alertKinds", resolved,
       created_at AS since FROM delivery.channels WHERE enabled AND workspace_id = ANY($1)`,
    [workspaceIds],
  );
}

export interface WaitingAlert {
  channelId: string;
  workspaceId: string;
  alert: ToldAlert;
}

/** @returns how many are new: what the log gives again waits already */
export async function queueAlerts(manager: EntityManager, waiting: readonly WaitingAlert[], at: Date): Promise<number> {
  const rows: unknown[] = await manager.query(
    `INSERT INTO delivery.channel_alerts (channel_id, event_id, workspace_id, subject, alert, queued_at)
     SELECT "channelId", (alert->>'eventId')::uuid, "workspaceId", alert->>'subject', alert, $2
     FROM jsonb_to_recordset($1::jsonb) AS w ("channelId" uuid, "workspaceId" uuid, alert jsonb)
     ON CONFLICT (channel_id, event_id) DO NOTHING RETURNING event_id`,
    [JSON.stringify(waiting), at],
  );
  return rows.length;
}

export interface DueChannel {
  id: string;
  workspaceId: string;
  kind: ChannelKind;
  sealedSettings: Buffer;
  digestSeconds: number;
  /** 1 for the first. */
  attempt: number;
}

/**
 * Takes channels that have something to tell and may. A process that dies with them leaves them to be taken again at
 * `lostAt`: at least once.
 */
export async function takeDueChannels(
  manager: EntityManager,
  { limit, at, lostAt }: { limit: number; at: Date; lostAt: Date },
): Promise<DueChannel[]> {
  const [rows]: [DueChannel[], number] = await manager.query(
    `WITH due AS MATERIALIZED (
       SELECT id AS due_id FROM delivery.channels c
       WHERE enabled AND next_at <= $1 AND EXISTS (SELECT 1 FROM delivery.channel_alerts a WHERE a.channel_id = c.id)
       ORDER BY next_at LIMIT $3 FOR UPDATE SKIP LOCKED
     )
     UPDATE delivery.channels SET next_at = $2, attempts = attempts + 1 FROM due WHERE id = due_id
     RETURNING id, workspace_id AS "workspaceId", kind, sealed_settings AS "sealedSettings",
       digest_seconds AS "digestSeconds", attempts AS attempt`,
    [at, lostAt, limit],
  );
  return rows;
}

/** What waits for a channel, the oldest first. */
export async function readWaiting(manager: EntityManager, channelId: string, limit: number): Promise<ToldAlert[]> {
  const rows: { alert: ToldAlert }[] = await manager.query(
    'SELECT alert FROM delivery.channel_alerts WHERE channel_id = $1 ORDER BY queued_at, event_id LIMIT $2',
    [channelId, limit],
  );
  return rows.map(({ alert }) => alert);
}

export interface ChannelResult {
  channelId: string;
  /** What the message told; absent: it did not go out. */
  told: readonly string[];
  failure: string | null;
  /** Whether it was tried often enough, and what waited is given up. */
  isOver: boolean;
  nextAt: Date;
  at: Date;
}

export async function storeResult(manager: EntityManager, result: ChannelResult): Promise<void> {
  const { channelId, told, failure, isOver, nextAt, at } = result;
  await manager.query(
    `UPDATE delivery.channels SET next_at = $2, last_failure = $3::text,
       attempts = CASE WHEN $3::text IS NULL OR $4 THEN 0 ELSE attempts END,
       last_sent_at = CASE WHEN $3::text IS NULL THEN $5 ELSE last_sent_at END,
       failing_since = CASE WHEN $3::text IS NULL THEN NULL ELSE COALESCE(failing_since, $5) END
     WHERE id = $1`,
    [channelId, nextAt, failure, isOver, at],
  );
  await manager.query('DELETE FROM delivery.channel_alerts WHERE channel_id = $1 AND event_id = ANY($2)', [
    channelId,
    told,
  ]);
}

/** What waits and names a subject that was erased. @returns how many */
export async function eraseWaiting(manager: EntityManager, workspaceId: string, subject: string): Promise<number> {
  const [, count]: [unknown, number] = await manager.query(
    'DELETE FROM delivery.channel_alerts WHERE workspace_id = $1 AND subject = $2',
    [workspaceId, subject],
  );
  return count;
}

export async function countWaiting(manager: EntityManager): Promise<number> {
  const [row]: { count: number }[] = await manager.query('SELECT count(*)::int AS count FROM delivery.channel_alerts');
  return row?.count ?? 0;
}
