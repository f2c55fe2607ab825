import type { Alert, ListAlertsQuery } from '@signet/contracts';
import type { EntityManager } from 'typeorm';
import type { StoredAlert } from './alert.js';

/** Times in a row; the rest is as the API says it. */
const TIMES = [
  ['stepUpUntil', 'step_up_until'],
  ['firstAt', 'first_at'],
  ['lastAt', 'last_at'],
  ['raisedAt', 'raised_at'],
  ['acknowledgedAt', 'acknowledged_at'],
  ['resolvedAt', 'resolved_at'],
  ['resolvesAt', 'resolves_at'],
  ['coolUntil', 'cool_until'],
] as const;

const SELECTED = `id, workspace_id AS "workspaceId", kind, severity, status, sentence, signal, numbers, threshold, evidence,
  code_id AS "codeId", subject, network, actions, shadow, muted, count::float8 AS count, assignee,
  acknowledged_by AS "acknowledgedBy", resolved_by AS "resolvedBy", resolution, dedupe_hash AS "dedupeHash",
  ${TIMES.map(([name, column]) => `${column} AS "${name}"`).join(', ')}`;

type TimeName = (typeof TIMES)[number][0];
type AlertRow = Omit<StoredAlert, TimeName> & Record<TimeName, Date | null>;

const text = (at: Date | null): string | null => at && at.toISOString();
const needed = (at: Date | null): string => (at ?? new Date(0)).toISOString();
const toStored = (row: AlertRow): StoredAlert => ({
  ...row,
  stepUpUntil: text(row.stepUpUntil),
  firstAt: needed(row.firstAt),
  lastAt: needed(row.lastAt),
  raisedAt: needed(row.raisedAt),
  acknowledgedAt: text(row.acknowledgedAt),
  resolvedAt: text(row.resolvedAt),
  resolvesAt: text(row.resolvesAt),
  coolUntil: needed(row.coolUntil),
});

/** Locks the alert that counts what happens of a matter: the open one, or the last one while nothing new is raised. */
export async function lockLive(
  manager: EntityManager,
  { workspaceId, dedupeHash, shadow, at }: { workspaceId: string; dedupeHash: string; shadow: boolean; at: Date },
): Promise<StoredAlert | undefined> {
  const [row]: AlertRow[] = await manager.query(
    `SELECT ${SELECTED} FROM analytics.alerts
     WHERE workspace_id = $1 AND dedupe_hash = $2 AND shadow = $3 AND (status <> 'resolved' OR cool_until > $4)
     ORDER BY status = 'resolved', raised_at DESC LIMIT 1 FOR UPDATE`,
    [workspaceId, dedupeHash, shadow, at],
  );
  return row && toStored(row);
}

/** @returns false when an open alert of the matter was there meanwhile */
export async function insertAlert(manager: EntityManager, alert: StoredAlert): Promise<boolean> {
  const rows: unknown[] = await manager.query(
    `INSERT INTO analytics.alerts (id, workspace_id, kind, severity, status, sentence, signal, numbers, threshold, evidence,
       code_id, subject, network, actions, step_up_until, shadow, muted, count, first_at, last_at, raised_at, resolves_at,
       dedupe_hash, cool_until)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)
     ON CONFLICT (workspace_id, dedupe_hash, shadow) WHERE status <> 'resolved' DO NOTHING RETURNING id`,
    [
      alert.id,
      alert.workspaceId,
      alert.kind,
      alert.severity,
      alert.status,
      alert.sentence,
      alert.signal,
      alert.numbers,
      alert.threshold,
      alert.evidence,
      alert.codeId,
      alert.subject,
      alert.network,
      alert.actions,
      alert.stepUpUntil,
      alert.shadow,
      alert.muted,
      alert.count,
      alert.firstAt,
      alert.lastAt,
      alert.raisedAt,
      alert.resolvesAt,
      alert.dedupeHash,
      alert.coolUntil,
    ],
  );
  return rows.length > 0;
}

/** Of an alert that is locked: all that can change. */
export async function updateAlert(manager: EntityManager, alert: StoredAlert): Promise<void> {
  await manager.query(
    `UPDATE analytics.alerts SET severity = $2, status = $3, sentence = $4, numbers = $5, threshold = $6, evidence = $7,
       step_up_until = $8, muted = $9, count = $10, first_at = $11, last_at = $12, assignee = $13, acknowledged_at = $14,
       acknowledged_by = $15, resolved_at = $16, resolved_by = $17, resolution = $18, resolves_at = $19, cool_until = $20
     WHERE id = $1`,
    [
      alert.id,
      alert.severity,
      alert.status,
      alert.sentence,
      alert.numbers,
      alert.threshold,
      alert.evidence,
      alert.stepUpUntil,
      alert.muted,
      alert.count,
      alert.firstAt,
      alert.lastAt,
      alert.assignee,
      alert.acknowledgedAt,
      alert.acknowledgedBy,
      alert.resolvedAt,
      alert.resolvedBy,
      alert.resolution,
      alert.resolvesAt,
      alert.coolUntil,
    ],
  );
}

/** @param lock to the end of the transaction */
export async function findAlert(
  manager: EntityManager,
  { workspaceId, id, lock = false }: { workspaceId: string; id: string; lock?: boolean },
): Promise<StoredAlert | undefined> {
  const [row]: AlertRow[] = await manager.query(
    `SELECT ${SELECTED} FROM analytics.alerts WHERE workspace_id = $1 AND id = $2 ${lock ? 'FOR UPDATE' : ''}`,
    [workspaceId, id],
  );
  return row && toStored(row);
}

export interface AlertFilter extends Omit<ListAlertsQuery, 'limit' | 'cursor'> {
  workspaceId: string;
  /** The last one of the page before. */
  past?: [raisedAt: string, id: string];
  limit: number;
}

/** Newest first. */
export async function listAlerts(manager: EntityManager, filter: AlertFilter): Promise<StoredAlert[]> {
  const { workspaceId, status, kind, severity, codeId, subject, assignee, shadow, muted, from, to, past, limit } =
    filter;
  const rows: AlertRow[] = await manager.query(
    `SELECT ${SELECTED} FROM analytics.alerts
     WHERE workspace_id = $1 AND shadow = $2 AND ($3::text IS NULL OR status = $3) AND ($4::text IS NULL OR kind = $4)
       AND ($5::text IS NULL OR severity = $5) AND ($6::uuid IS NULL OR code_id = $6)
       AND ($7::text IS NULL OR subject = $7) AND ($8::text IS NULL OR assignee = $8)
       AND ($9::boolean IS NULL OR muted = $9) AND ($10::timestamptz IS NULL OR raised_at >= $10)
       AND ($11::timestamptz IS NULL OR raised_at < $11)
       AND ($12::timestamptz IS NULL OR (raised_at, id) < ($12, $13::uuid))
     ORDER BY raised_at DESC, id DESC LIMIT $14`,
    [
      workspaceId,
      shadow ?? false,
      status ?? null,
      kind ?? null,
      severity ?? null,
      codeId ?? null,
      subject ?? null,
      assignee ?? null,
      muted ?? null,
      from ?? null,
      to ?? null,
      past?.[0] ?? null,
      past?.[1] ?? null,
      limit,
    ],
  );
  return rows.map(toStored);
}

/** Locks open alerts of which nothing has happened for as long as they say; those that somebody changes now wait. */
export async function lockQuietAlerts(manager: EntityManager, now: Date, limit: number): Promise<StoredAlert[]> {
  const rows: AlertRow[] = await manager.query(
    `SELECT ${SELECTED} FROM analytics.alerts WHERE status <> 'resolved' AND resolves_at <= $1
     ORDER BY resolves_at LIMIT $2 FOR UPDATE SKIP LOCKED`,
    [now, limit],
  );
  return rows.map(toStored);
}

/** @returns how many were deleted, `limit` at most */
export async function removeAlertsBefore(manager: EntityManager, before: Date, limit: number): Promise<number> {
  const [, count]: [unknown, number] = await manager.query(
    `DELETE FROM analytics.alerts WHERE id IN (
       SELECT id FROM analytics.alerts WHERE status = 'resolved' AND resolved_at < $1 ORDER BY resolved_at LIMIT $2)`,
    [before, limit],
  );
  return count;
}

export async function countOpen(manager: EntityManager): Promise<number> {
  const [row]: { count: number }[] = await manager.query(
    `SELECT count(*)::float8 AS count FROM analytics.alerts WHERE status <> 'resolved' AND NOT shadow`,
  );
  return row?.count ?? 0;
}

/**
 * Takes the person out of alerts of a subject: numbers and times stay. @returns how many
 * @param pseudonym in the place of the name @param until of what happened later somebody else of that name is the subject
 */
export async function anonymiseAlerts(
  manager: EntityManager,
  { workspaceId, subject, pseudonym, until }: { workspaceId: string; subject: string; pseudonym: string; until: Date },
): Promise<number> {
  const [, count]: [unknown, number] = await manager.query(
    `UPDATE analytics.alerts SET subject = $3, network = NULL, evidence = '{}', sentence = 'Of a subject that was erased: ' || signal
     WHERE workspace_id = $1 AND subject = $2 AND first_at <= $4`,
    [workspaceId, subject, pseudonym, until],
  );
  return count;
}

/** The alert as its workspace sees it. */
export function shown({ workspaceId: _whose, dedupeHash: _hash, coolUntil: _until, ...alert }: StoredAlert): Alert {
  return alert;
}
