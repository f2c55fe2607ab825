import type { EntityManager } from 'typeorm';

/** Shared by those who count, exclusive to who rebuilds a day; also in `analytics.drop_days_before`. */
const REBUILD_LOCK = 5_169_503;

/** To the end of the transaction: nobody rebuilds or drops days meanwhile. */
export async function shareRebuildLock(manager: EntityManager): Promise<void> {
  await manager.query('SELECT pg_advisory_xact_lock_shared($1)', [REBUILD_LOCK]);
}

/** To the end of the transaction: nobody counts meanwhile. */
export async function takeRebuildLock(manager: EntityManager): Promise<void> {
  await manager.query('SELECT pg_advisory_xact_lock($1)', [REBUILD_LOCK]);
}

export interface PartitionOfLog {
  logId: string;
  group: string;
  topic: string;
  partition: number;
}

/** Locks the partition to the end of the transaction, so that a second writer of it waits. @returns the next offset */
export async function lockOffset(
  manager: EntityManager,
  { logId, group, topic, partition }: PartitionOfLog,
): Promise<bigint> {
  const [row]: { next_offset: string }[] = await manager.query(
    `INSERT INTO analytics.consumer_offsets AS o (log_id, consumer_group, topic, partition, next_offset)
     VALUES ($1, $2, $3, $4, 0)
     ON CONFLICT (log_id, consumer_group, topic, partition) DO UPDATE SET next_offset = o.next_offset
     RETURNING next_offset`,
    [logId, group, topic, partition],
  );
  return BigInt(row?.next_offset ?? 0);
}

export async function advanceOffset(
  manager: EntityManager,
  { logId, group, topic, partition }: PartitionOfLog,
  nextOffset: bigint,
): Promise<void> {
  await manager.query(
    `UPDATE analytics.consumer_offsets SET next_offset = $5
     WHERE log_id = $1 AND consumer_group = $2 AND topic = $3 AND partition = $4`,
    [logId, group, topic, partition, nextOffset.toString()],
  );
}
