import type { Admin, Kafka } from 'kafkajs';
import { isTransient, SignetError } from '../errors.js';

const ADMIN_TIMEOUT_MS = 10_000;

/** All written out: kafkajs has other defaults when NODE_ENV is test. */
export const RETRY = { initialRetryTime: 200, factor: 0.2, multiplier: 2, maxRetryTime: 2000, retries: 4 };

/** kafkajs calls these final, though they pass with the outage: nobody knew the coordinator, a lock was not had. */
const PASSING = new Set(['KafkaJSNumberOfRetriesExceeded', 'KafkaJSGroupCoordinatorNotFound', 'KafkaJSLockTimeout']);

/** Whether an error of kafkajs may be gone when the same is tried again later. */
export function passes(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (isTransient(error) || PASSING.has(error.name)) return true;
  if ('retriable' in error && error.retriable === true) return true;
  return error.cause !== error && passes(error.cause);
}

interface Client {
  disconnect(): Promise<void>;
}

/**
 * Waits for some work of a client, and for no longer than the signal allows.
 * @throws SignetError `unavailable` when Kafka does not answer in time, or not well for now; else what the work throws
 */
export async function answered<T>(work: Promise<T>, timeout: AbortSignal): Promise<T> {
  const late = new Promise<never>((_resolve, reject) => {
    timeout.addEventListener('abort', () => reject(timeout.reason));
  });
  try {
    return await Promise.race([work, late]);
  } catch (error) {
    if (!timeout.aborted && !passes(error)) throw error;
    throw new SignetError('unavailable', { detail: 'Kafka does not answer', cause: error });
  }
}

/** Disconnects a client when the work it was given has ended: kafkajs would connect it again before. */
export async function retire(client: Promise<Client>, work: Promise<unknown>): Promise<void> {
  await Promise.allSettled([work]);
  const disconnecting = client.then((connected) => connected.disconnect());
  await Promise.allSettled([disconnecting]);
}

/** Asks with a client of its own, so that no outage before this question matters to it. */
export async function askAdmin<T>(
  kafka: Kafka,
  ask: (admin: Admin) => Promise<T>,
  timeoutMs = ADMIN_TIMEOUT_MS,
): Promise<T> {
  const admin = kafka.admin();
  const asking = admin.connect().then(() => ask(admin));
  try {
    return await answered(asking, AbortSignal.timeout(timeoutMs));
  } finally {
    void retire(Promise.resolve(admin), asking);
  }
}
