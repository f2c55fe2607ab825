import type { EntityManager } from 'typeorm';

export interface AlertAction {
  alertId: string;
  action: string;
  codeId: string;
}

export async function isDone(manager: EntityManager, { alertId, action }: AlertAction): Promise<boolean> {
  const rows: unknown[] = await manager.query('SELECT 1 FROM codes.alert_actions WHERE alert_id = $1 AND action = $2', [
    alertId,
    action,
  ]);
  return rows.length > 0;
}

/** Forgets what is so old that its alert can no longer come again. */
export async function noteDone(
  manager: EntityManager,
  { alertId, action, codeId }: AlertAction,
  { at, forgetBefore }: { at: Date; forgetBefore: Date },
): Promise<void> {
  await manager.query(
    'INSERT INTO codes.alert_actions (alert_id, action, code_id, done_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
    [alertId, action, codeId, at],
  );
  await manager.query('DELETE FROM codes.alert_actions WHERE done_at < $1', [forgetBefore]);
}
