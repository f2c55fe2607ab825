import { Backoff } from '../backoff.js';
import type { Logger } from '../logging.js';
import type { ConsumerOptions, RecordBatch } from './event-log.js';

/**
 * No batch holds more records or, but for a single larger record, more bytes than this. The rollups of a thousand codes
 * cost half as much an event in batches of 4000 as in batches of 1000.
 */
export const MAX_BATCH_RECORDS = 4000;
export const MAX_BATCH_BYTES = 4 * 1024 * 1024;

const PAUSES = { minMilliseconds: 100, maxMilliseconds: 10_000 };

/** Runs something with a back-off whose sleeps end when the signal aborts. */
export async function withBackoff<T>(signal: AbortSignal, run: (backoff: Backoff) => Promise<T>): Promise<T> {
  const backoff = new Backoff(PAUSES);
  const wake = (): void => backoff.wake();
  signal.addEventListener('abort', wake);
  try {
    return await run(backoff);
  } finally {
    signal.removeEventListener('abort', wake);
  }
}

interface Delivery extends Pick<ConsumerOptions, 'group' | 'onBatch'> {
  batch: RecordBatch;
  signal: AbortSignal;
  logger: Logger;
  /** Throws when it has become pointless to hand the batch over again. */
  beforeRetry?: () => void;
}

/**
 * Hands a batch to its consumer until it is taken; after each failure it waits longer.
 * @returns whether the batch was taken; false: the signal was aborted before
 */
export function deliver({ batch, group, onBatch, signal, logger, beforeRetry }: Delivery): Promise<boolean> {
  const { topic, partition, records } = batch;
  const where = { group, topic, partition, offset: String(records[0]?.offset), records: records.length };
  return withBackoff(signal, async (backoff) => {
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        await onBatch(batch);
        return true;
      } catch (error) {
        logger.warn({ err: error, ...where, failures }, 'batch not taken; it comes again');
        await backoff.sleepAfterFailure();
        beforeRetry?.();
      }
    }
    return false;
  });
}
