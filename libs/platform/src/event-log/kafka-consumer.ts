import type { EachBatchPayload, KafkaMessage } from 'kafkajs';
import type { Logger } from '../logging.js';
import { deliver, MAX_BATCH_BYTES, MAX_BATCH_RECORDS } from './delivery.js';
import type { ConsumerOptions, LogRecord, RecordBatch } from './event-log.js';

const HEARTBEAT_MS = 3000;

interface Handling extends Pick<ConsumerOptions, 'group' | 'onBatch'> {
  signal: AbortSignal;
  logger: Logger;
}

/**
 * Hands what was fetched of a partition to `onBatch` in bounded batches and commits each one. A batch that is not
 * taken comes again from here, heartbeats going on; when the group rebalances meanwhile, the next owner gets it.
 */
export async function handleFetched(
  payload: EachBatchPayload,
  { group, onBatch, signal, logger }: Handling,
): Promise<void> {
  const heart = beat(() => payload.heartbeat());
  try {
    for (const batch of batchesOf(payload.batch)) {
      if (!payload.isRunning() || payload.isStale()) return;
      if (!(await deliver({ batch, group, onBatch, signal, logger, beforeRetry: heart.check }))) return;
      const { topic, partition } = batch;
      const offset = nextOffset(batch);
      await payload.commitOffsetsIfNecessary({
        topics: [{ topic, partitions: [{ partition, offset: String(offset) }] }],
      });
      payload.resolveOffset(String(offset - 1n));
      heart.check();
    }
  } finally {
    heart.stop();
  }
}

/** Heartbeats on a timer; `check` throws what one of them failed with, so that kafkajs can join the group again. */
function beat(heartbeat: () => Promise<void>): { check: () => void; stop: () => void } {
  let failure: unknown;
  const timer = setInterval(() => {
    heartbeat().catch((error: unknown) => (failure ??= error));
  }, HEARTBEAT_MS);
  return {
    check: () => {
      if (failure instanceof Error) throw failure;
    },
    stop: () => clearInterval(timer),
  };
}

/** What was fetched of a partition, in batches of bounded size. */
export function* batchesOf({ topic, partition, messages }: Fetched): Generator<RecordBatch> {
  let records: LogRecord[] = [];
  let bytes = 0;
  for (const message of messages) {
    const record = toRecord(topic, partition, message);
    bytes += record.value.length;
    if (records.length === MAX_BATCH_RECORDS || (records.length > 0 && bytes > MAX_BATCH_BYTES)) {
      yield { topic, partition, records };
      records = [];
      bytes = record.value.length;
    }
    records.push(record);
  }
  if (records.length > 0) yield { topic, partition, records };
}

/** @returns the offset at which to go on after the batch */
export const nextOffset = ({ records }: RecordBatch): bigint => (records.at(-1)?.offset ?? -1n) + 1n;

type Fetched = Pick<EachBatchPayload['batch'], 'topic' | 'partition' | 'messages'>;

/** @returns the message as a record of ours; a tombstone has an empty value */
function toRecord(topic: string, partition: number, message: KafkaMessage): LogRecord {
  const { key, value, offset, timestamp, headers } = message;
  const texts = Object.entries(headers ?? {}).map(([name, header]) => [name, String(header)]);
  return {
    topic,
    partition,
    offset: BigInt(offset),
    appendedAt: Number(timestamp),
    key: key?.toString() ?? '',
    value: value ?? Buffer.alloc(0),
    ...(texts.length > 0 && { headers: Object.fromEntries(texts) }),
  };
}
