import type { EnrollmentSettings } from '@signet/contracts';
import type { EntityManager } from 'typeorm';

export async function readSettings(
  manager: EntityManager,
  workspaceId: string,
): Promise<EnrollmentSettings | undefined> {
  const [row]: EnrollmentSettings[] = await manager.query(
    `SELECT enabled, issuer, ticket_ttl_seconds AS "ticketTtlSeconds", require_pin AS "requirePin"
     FROM enrollment.settings WHERE workspace_id = $1`,
    [workspaceId],
  );
  return row;
}

export async function writeSettings(
  manager: EntityManager,
  workspaceId: string,
  { enabled, issuer, ticketTtlSeconds, requirePin, at }: EnrollmentSettings & { at: Date },
): Promise<void> {
  await manager.query(
    `INSERT INTO enrollment.settings (workspace_id, enabled, issuer, ticket_ttl_seconds, require_pin, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (workspace_id) DO UPDATE SET enabled = excluded.enabled, issuer = excluded.issuer,
       ticket_ttl_seconds = excluded.ticket_ttl_seconds, require_pin = excluded.require_pin, updated_at = excluded.updated_at`,
    [workspaceId, enabled, issuer, ticketTtlSeconds, requirePin, at],
  );
}
