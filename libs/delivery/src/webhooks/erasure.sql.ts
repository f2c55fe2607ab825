import type { EntityManager } from 'typeorm';

/**
 * Takes out of the log what events of before said of a subject, and ends the deliveries of it that wait; that they were
 * made stays. @returns how many events
 */
export async function eraseMessages(
  manager: EntityManager,
  { workspaceId, subject }: { workspaceId: string; subject: string },
  at: Date,
): Promise<number> {
  const [rows]: [{ event_id: string }[], number] = await manager.query(
    `UPDATE delivery.messages SET subject = NULL, erased_at = $3, body = convert_to(jsonb_set(convert_from(body, 'UTF8')::jsonb,
       '{data}', jsonb_build_object('workspaceId', workspace_id, 'erased', true))::text, 'UTF8')
     WHERE workspace_id = $1 AND subject = $2 RETURNING event_id`,
    [workspaceId, subject, at],
  );
  const eventIds = rows.map((row) => row.event_id);
  await manager.query(
    `UPDATE delivery.deliveries SET state = 'failed', next_attempt_at = NULL, last_failure = 'erased', ended_at = $2
     WHERE event_id = ANY($1) AND state = 'pending'`,
    [eventIds, at],
  );
  // Receivers like to repeat what they were sent.
  await manager.query(
    `UPDATE delivery.attempts SET response_body = NULL
     WHERE delivery_id IN (SELECT id FROM delivery.deliveries WHERE event_id = ANY($1))`,
    [eventIds],
  );
  return eventIds.length;
}
