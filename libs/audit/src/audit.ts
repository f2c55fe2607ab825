import type { AuditRecord } from '@signet/contracts';
import { newId } from '@signet/platform';
import type { EntityManager } from 'typeorm';
import { insertRecords } from './audit.sql.js';

/** What happened, when; the id is given when it is written. */
export type AuditEntryDraft = Omit<AuditRecord, 'id' | 'at'> & { at: Date };

/**
 * Writes an entry in the transaction of what it records, so that both are durable before the answer leaves, or neither.
 * Ids only: never a secret, a code, a payload or a token.
 */
export const appendAudit = (manager: EntityManager, draft: AuditEntryDraft): Promise<void> =>
  appendAudits(manager, [draft]);

/** Writes several entries, in their order, with one statement. */
export async function appendAudits(manager: EntityManager, drafts: readonly AuditEntryDraft[]): Promise<void> {
  if (drafts.length === 0) return;
  await insertRecords(
    manager,
    drafts.map(({ at, ...record }) => ({ id: newId(), at: at.toISOString(), ...record })),
  );
}
