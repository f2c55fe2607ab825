import type { AuditRecord } from '@signet/contracts';
import { newId } from '@signet/platform';
import type { EntityManager } from 'typeorm';
import { insertRecord } from './audit.sql.js';

/**
 * Writes an entry in the transaction of what it records, so that both are durable before the answer leaves, or neither.
 * Ids only: never a secret, a code, a payload or a token.
 */
export async function appendAudit(
  manager: EntityManager,
  { at, ...record }: Omit<AuditRecord, 'id' | 'at'> & { at: Date },
): Promise<void> {
  await insertRecord(manager, { id: newId(), at: at.toISOString(), ...record });
}
