import type { AlertMute } from '@signet/contracts';
import type { EntityManager } from 'typeorm';

/** What an alert is about. */
export interface Matter {
  workspaceId: string;
  kind: string;
  codeId?: string | null;
  subject?: string | null;
}

/** Whether a mute that is in force agrees with everything that it names. */
export async function isMuted(
  manager: EntityManager,
  { workspaceId, kind, codeId, subject }: Matter,
  now: Date,
): Promise<boolean> {
  const [row]: { muted: boolean }[] = await manager.query(
    `SELECT EXISTS (SELECT FROM analytics.alert_mutes WHERE workspace_id = $1 AND until > $5 AND (kind IS NULL OR kind = $2)
       AND (code_id IS NULL OR code_id = $3) AND (subject IS NULL OR subject = $4)) AS muted`,
    [workspaceId, kind, codeId ?? null, subject ?? null, now],
  );
  return row?.muted ?? false;
}

/** @param most how many may be in force in a workspace @returns whether there was room */
export async function insertMute(
  manager: EntityManager,
  workspaceId: string,
  mute: AlertMute,
  most: number,
): Promise<boolean> {
  const rows: unknown[] = await manager.query(
    `INSERT INTO analytics.alert_mutes (id, workspace_id, kind, code_id, subject, until, reason, created_at, created_by)
     SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9
     WHERE (SELECT count(*) FROM analytics.alert_mutes WHERE workspace_id = $2 AND until > $8::timestamptz) < $10
     RETURNING id`,
    [
      mute.id,
      workspaceId,
      mute.kind,
      mute.codeId,
      mute.subject,
      mute.until,
      mute.reason,
      mute.createdAt,
      mute.createdBy,
      most,
    ],
  );
  return rows.length > 0;
}

type MuteRow = Omit<AlertMute, 'until' | 'createdAt'> & { until: Date; createdAt: Date };

/** Those in force, newest first. */
export async function listMutes(
  manager: EntityManager,
  workspaceId: string,
  { beforeId, limit, now }: { beforeId: string | undefined; limit: number; now: Date },
): Promise<AlertMute[]> {
  const rows: MuteRow[] = await manager.query(
    `SELECT id, kind, code_id AS "codeId", subject, until, reason, created_at AS "createdAt", created_by AS "createdBy"
     FROM analytics.alert_mutes WHERE workspace_id = $1 AND until > $2 AND ($3::uuid IS NULL OR id < $3)
     ORDER BY id DESC LIMIT $4`,
    [workspaceId, now, beforeId ?? null, limit],
  );
  return rows.map((row) => ({ ...row, until: row.until.toISOString(), createdAt: row.createdAt.toISOString() }));
}

export async function deleteMute(manager: EntityManager, workspaceId: string, id: string): Promise<boolean> {
  const [, count]: [unknown, number] = await manager.query(
    'DELETE FROM analytics.alert_mutes WHERE workspace_id = $1 AND id = $2',
    [workspaceId, id],
  );
  return count > 0;
}

export async function removeEndedMutes(manager: EntityManager, now: Date): Promise<void> {
  await manager.query('DELETE FROM analytics.alert_mutes WHERE until <= $1', [now]);
}

/** Of a subject that is erased, whose name they hold. */
export async function removeMutesOf(manager: EntityManager, workspaceId: string, subject: string): Promise<void> {
  await manager.query('DELETE FROM analytics.alert_mutes WHERE workspace_id = $1 AND subject = $2', [
    workspaceId,
    subject,
  ]);
}
