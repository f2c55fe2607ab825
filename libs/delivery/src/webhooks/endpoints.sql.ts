import type { UpdateWebhook, Webhook, WebhookSignature } from '@signet/contracts';
import type { EntityManager } from 'typeorm';

/** An endpoint as PostgreSQL has it; times as in the API. */
export interface StoredEndpoint extends Omit<Webhook, 'publicKeys'> {
  workspaceId: string;
}

const COLUMNS = `id, workspace_id, url, events, description, signature, enabled, disabled_reason, failing_since, version,
  created_at, updated_at, created_by`;

interface EndpointRow {
  id: string;
  workspace_id: string;
  url: string;
  events: string[];
  description: string | null;
  signature: WebhookSignature;
  enabled: boolean;
  disabled_reason: Webhook['disabledReason'];
  failing_since: Date | null;
  version: number;
  created_at: Date;
  updated_at: Date;
  created_by: string;
}

const toEndpoint = (row: EndpointRow): StoredEndpoint => ({
  id: row.id,
  workspaceId: row.workspace_id,
  url: row.url,
  events: row.events,
  description: row.description,
  signature: row.signature,
  enabled: row.enabled,
  disabledReason: row.disabled_reason,
  failingSince: row.failing_since?.toISOString() ?? null,
  version: row.version,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
  createdBy: row.created_by,
});

export async function insertEndpoint(manager: EntityManager, endpoint: StoredEndpoint): Promise<void> {
  await manager.query(
    `INSERT INTO delivery.endpoints (id, workspace_id, url, events, description, signature, enabled, version, created_at,
       updated_at, created_by) VALUES ($1, $2, $3, $4, $5, $6, true, 1, $7, $7, $8)`,
    [
      endpoint.id,
      endpoint.workspaceId,
      endpoint.url,
      endpoint.events,
      endpoint.description,
      endpoint.signature,
      endpoint.createdAt,
      endpoint.createdBy,
    ],
  );
}

/** @returns whether there was room for it: a workspace has at most `most` */
export async function hasRoomForEndpoint(manager: EntityManager, workspaceId: string, most: number): Promise<boolean> {
  await manager.query(`SELECT pg_advisory_xact_lock(hashtextextended('webhooks ' || $1, 0))`, [workspaceId]);
  const [row]: { count: number }[] = await manager.query(
    'SELECT count(*)::int AS count FROM delivery.endpoints WHERE workspace_id = $1',
    [workspaceId],
  );
  return (row?.count ?? 0) < most;
}

export async function findEndpoint(
  manager: EntityManager,
  workspaceId: string,
  id: string,
): Promise<StoredEndpoint | undefined> {
  const [row]: EndpointRow[] = await manager.query(
    `SELECT ${COLUMNS} FROM delivery.endpoints WHERE workspace_id = $1 AND id = $2`,
    [workspaceId, id],
  );
  return row && toEndpoint(row);
}

export async function listEndpoints(
  manager: EntityManager,
  workspaceId: string,
  { afterId, limit }: { afterId?: string; limit: number },
): Promise<StoredEndpoint[]> {
  const rows: EndpointRow[] = await manager.query(
    `SELECT ${COLUMNS} FROM delivery.endpoints WHERE workspace_id = $1 AND ($2::uuid IS NULL OR id > $2)
     ORDER BY id LIMIT $3`,
    [workspaceId, afterId ?? null, limit],
  );
  return rows.map(toEndpoint);
}

/** Enabling forgets earlier failures. @returns undefined when there is none at that version */
export async function updateEndpoint(
  manager: EntityManager,
  { id, workspaceId, version }: Pick<StoredEndpoint, 'id' | 'workspaceId' | 'version'>,
  { url, events, description, enabled }: UpdateWebhook,
  at: Date,
): Promise<StoredEndpoint | undefined> {
  const [rows]: [EndpointRow[], number] = await manager.query(
    `UPDATE delivery.endpoints SET url = COALESCE($4, url), events = COALESCE($5, events),
       description = CASE WHEN $6 THEN $7 ELSE description END, enabled = COALESCE($8, enabled),
       disabled_reason = CASE WHEN $8 THEN NULL WHEN NOT $8 THEN 'by-request' ELSE disabled_reason END,
       failing_since = CASE WHEN $8 THEN NULL ELSE failing_since END, version = version + 1, updated_at = $9
     WHERE workspace_id = $1 AND id = $2 AND version = $3 RETURNING ${COLUMNS}`,
    [
      workspaceId,
      id,
      version,
      url ?? null,
      events ?? null,
      description !== undefined,
      description ?? null,
      enabled ?? null,
      at,
    ],
  );
  return rows[0] && toEndpoint(rows[0]);
}

/** With what waits for it; what was told stays in the log until its time is over. @returns whether there was one */
export async function deleteEndpoint(manager: EntityManager, workspaceId: string, id: string): Promise<boolean> {
  const [, count]: [unknown, number] = await manager.query(
    'DELETE FROM delivery.endpoints WHERE workspace_id = $1 AND id = $2',
    [workspaceId, id],
  );
  if (count === 0) return false;
  await manager.query(`DELETE FROM delivery.deliveries WHERE endpoint_id = $1`, [id]);
  return true;
}

/** @param family what the types begin with, as `scan` in `scan.recorded` */
export async function hasEndpointsFor(manager: EntityManager, family: string): Promise<boolean> {
  const [row]: { wanted: boolean }[] = await manager.query(
    `SELECT EXISTS (SELECT 1 FROM delivery.endpoints e, unnest(e.events) AS pattern
       WHERE e.enabled AND (pattern = '*' OR split_part(pattern, '.', 1) = $1)) AS wanted`,
    [family],
  );
  return row?.wanted ?? false;
}

/** Those that may be told of events of these workspaces. */
export async function findListening(
  manager: EntityManager,
  workspaceIds: readonly string[],
): Promise<Pick<StoredEndpoint, 'id' | 'workspaceId' | 'events' | 'createdAt'>[]> {
  const rows: Pick<EndpointRow, 'id' | 'workspace_id' | 'events' | 'created_at'>[] = await manager.query(
    'SELECT id, workspace_id, events, created_at FROM delivery.endpoints WHERE enabled AND workspace_id = ANY($1)',
    [workspaceIds],
  );
  return rows.map(({ id, workspace_id, events, created_at }) => ({
    id,
    workspaceId: workspace_id,
    events,
    createdAt: created_at.toISOString(),
  }));
}

export interface StoredKey {
  id: string;
  endpointId: string;
  sealedSecret: Buffer;
  publicKey: string | null;
}

export async function insertKey(manager: EntityManager, key: StoredKey, at: Date): Promise<void> {
  await manager.query(
    'INSERT INTO delivery.endpoint_keys (id, endpoint_id, sealed_secret, public_key, created_at) VALUES ($1, $2, $3, $4, $5)',
    [key.id, key.endpointId, key.sealedSecret, key.publicKey, at],
  );
}

/** Ends the keys of an endpoint, now or later; those that end sooner anyway stay as they are. */
export async function expireKeys(manager: EntityManager, endpointId: string, at: Date): Promise<void> {
  await manager.query(
    'UPDATE delivery.endpoint_keys SET expires_at = $2 WHERE endpoint_id = $1 AND (expires_at IS NULL OR expires_at > $2)',
    [endpointId, at],
  );
}

/** The keys in force, the newest first. */
export async function findKeys(manager: EntityManager, endpointIds: readonly string[], at: Date): Promise<StoredKey[]> {
  const rows: { id: string; endpoint_id: string; sealed_secret: Buffer; public_key: string | null }[] =
    await manager.query(
      `SELECT id, endpoint_id, sealed_secret, public_key FROM delivery.endpoint_keys
       WHERE endpoint_id = ANY($1) AND (expires_at IS NULL OR expires_at > $2) ORDER BY created_at DESC, id DESC`,
      [endpointIds, at],
    );
  return rows.map((row) => ({
    id: row.id,
    endpointId: row.endpoint_id,
    sealedSecret: row.sealed_secret,
    publicKey: row.public_key,
  }));
}

export interface EndpointHealth {
  endpointId: string;
  succeeded: boolean;
  /** Of the last answer: it wants nothing any more. */
  gone: boolean;
}

/**
 * Notes how endpoints answered. One success forgives every failure before it.
 * @param failingSinceBefore those that have failed since then are switched off
 * @returns those that this switched off
 */
export async function noteHealth(
  manager: EntityManager,
  health: readonly EndpointHealth[],
  { at, failingSinceBefore }: { at: Date; failingSinceBefore: Date },
): Promise<Pick<StoredEndpoint, 'id' | 'workspaceId' | 'url' | 'disabledReason'>[]> {
  const [rows]: [Pick<EndpointRow, 'id' | 'workspace_id' | 'url' | 'disabled_reason'>[], number] = await manager.query(
    `UPDATE delivery.endpoints e SET
       failing_since = CASE WHEN h.succeeded THEN NULL ELSE COALESCE(e.failing_since, $2) END,
       enabled = e.enabled AND NOT h.gone AND (h.succeeded OR e.failing_since IS NULL OR e.failing_since > $3),
       disabled_reason = CASE WHEN h.gone THEN 'gone'
         WHEN NOT h.succeeded AND e.failing_since <= $3 THEN 'failing' ELSE e.disabled_reason END
     FROM jsonb_to_recordset($1::jsonb) AS h ("endpointId" uuid, succeeded boolean, gone boolean)
     WHERE e.id = h."endpointId" AND e.enabled
       AND (h.gone OR h.succeeded = (e.failing_since IS NOT NULL) OR e.failing_since <= $3)
     RETURNING e.id, e.workspace_id, e.url, CASE WHEN e.enabled THEN NULL ELSE e.disabled_reason END AS disabled_reason`,
    [JSON.stringify(health), at, failingSinceBefore],
  );
  return rows
    .filter((row) => row.disabled_reason !== null)
    .map((row) => ({ id: row.id, workspaceId: row.workspace_id, url: row.url, disabledReason: row.disabled_reason }));
}
