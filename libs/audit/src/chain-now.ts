import type { AuditRecord } from '@signet/contracts';
import type { EntityManager } from 'typeorm';
import { insertRecords, readHeads, writeChained } from './audit.sql.js';
import { chainRecord, START } from './chain.js';

/** Writes a record and chains it in one transaction, which holds the sequencer's lock. */
export async function chainNow(manager: EntityManager, record: AuditRecord): Promise<void> {
  const heads = await readHeads(manager, [record.workspaceId]);
  const entry = chainRecord(record, heads.get(record.workspaceId) ?? START);
  await insertRecords(manager, [record]);
  await writeChained(manager, [entry], new Map([[record.workspaceId, entry]]));
}
