import type { NotificationChannel } from '@signet/contracts';
import type { EntityManager } from 'typeorm';

/** A channel as PostgreSQL has it; times as in the API. */
export interface StoredChannel extends NotificationChannel {
  workspaceId: string;
  sealedSettings: Buffer;
}

const COLUMNS = `c.id, c.workspace_id AS "workspaceId", c.name, c.kind, c.destination, c.sealed_settings AS "sealedSettings",
  c.min_severity AS "minSeverity", c.alert_kinds AS "alertKinds", c.resolved, c.digest_seconds AS "digestSeconds",
  c.enabled, (SELECT count(*)::int FROM delivery.channel_alerts a WHERE a.channel_id = c.id) AS waiting,
  c.last_sent_at AS "lastSentAt", c.last_failure AS "lastFailure", c.failing_since AS "failingSince", c.version,
  c.created_at AS "createdAt", c.updated_at AS "updatedAt", c.created_by AS "createdBy"`;

type Times = 'lastSentAt' | 'failingSince' | 'createdAt' | 'updatedAt';
type ChannelRow = Omit<StoredChannel, Times> & {
  lastSentAt: Date | null;
  failingSince: Date | null;
  createdAt: Date;
  updatedAt: Date;
};
const toChannel = (row: ChannelRow): StoredChannel => ({
  ...row,
  lastSentAt: row.lastSentAt?.toISOString() ?? null,
  failingSince: row.failingSince?.toISOString() ?? null,
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
});

/** @returns whether there was room for it: a workspace has at most `most` */
export async function hasRoomForChannel(manager: EntityManager, workspaceId: string, most: number): Promise<boolean> {
  await manager.query(`SELECT pg_advisory_xact_lock(hashtextextended('channels ' || $1, 0))`, [workspaceId]);
  const [row]: { count: number }[] = await manager.query(
    'SELECT count(*)::int AS count FROM delivery.channels WHERE workspace_id = $1',
    [workspaceId],
  );
  return (row?.count ?? 0) < most;
}

export async function insertChannel(manager: EntityManager, channel: StoredChannel): Promise<void> {
  await manager.query(
    `INSERT INTO delivery.channels (id, workspace_id, name, kind, destination, sealed_settings, min_severity, alert_kinds,
       resolved, digest_seconds, enabled, next_at, version, created_at, updated_at, created_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, true, $11, 1, $11, $11, $12)`,
    [
      channel.id,
      channel.workspaceId,
      channel.name,
      channel.kind,
      channel.destination,
      channel.sealedSettings,
      channel.minSeverity,
      channel.alertKinds,
      channel.resolved,
      channel.digestSeconds,
      channel.createdAt,
      channel.createdBy,
    ],
  );
}

export async function findChannel(
  manager: EntityManager,
  workspaceId: string,
  id: string,
): Promise<StoredChannel | undefined> {
  const [row]: ChannelRow[] = await manager.query(
    `SELECT ${COLUMNS} FROM delivery.channels c WHERE c.workspace_id = $1 AND c.id = $2`,
    [workspaceId, id],
  );
  return row && toChannel(row);
}

export async function listChannels(
  manager: EntityManager,
  workspaceId: string,
  { afterId, limit }: { afterId: string | undefined; limit: number },
): Promise<StoredChannel[]> {
  const rows: ChannelRow[] = await manager.query(
    `SELECT ${COLUMNS} FROM delivery.channels c WHERE c.workspace_id = $1 AND ($2::uuid IS NULL OR c.id > $2)
     ORDER BY c.id LIMIT $3`,
    [workspaceId, afterId ?? null, limit],
  );
  return rows.map(toChannel);
}

/**
 * Forgets earlier failures, because the reason may be gone, and what waits where the channel is off.
 * @param next as it shall be, at the version after its own @returns whether it still was at its version
 */
export async function updateChannel(manager: EntityManager, next: StoredChannel, at: Date): Promise<boolean> {
  const [, count]: [unknown, number] = await manager.query(
    `UPDATE delivery.channels SET name = $3, kind = $4, destination = $5, sealed_settings = $6, min_severity = $7,
       alert_kinds = $8, resolved = $9, digest_seconds = $10, enabled = $11, next_at = $12, attempts = 0,
       failing_since = NULL, last_failure = NULL, version = version + 1, updated_at = $12
     WHERE id = $1 AND version = $2`,
    [
      next.id,
      next.version,
      next.name,
      next.kind,
      next.destination,
      next.sealedSettings,
      next.minSeverity,
      next.alertKinds,
      next.resolved,
      next.digestSeconds,
      next.enabled,
      at,
    ],
  );
  if (count === 1 && !next.enabled)
    await manager.query('DELETE FROM delivery.channel_alerts WHERE channel_id = $1', [next.id]);
  return count === 1;
}

/** With what waits for it. @returns whether there was one */
export async function deleteChannel(manager: EntityManager, workspaceId: string, id: string): Promise<boolean> {
  const [, count]: [unknown, number] = await manager.query(
    'DELETE FROM delivery.channels WHERE workspace_id = $1 AND id = $2',
    [workspaceId, id],
  );
  if (count === 0) return false;
  await manager.query('DELETE FROM delivery.channel_alerts WHERE channel_id = $1', [id]);
  return true;
}
