import { ScanEventSchema, topics, type ScanEvent } from '@signet/contracts';
import { KafkaEventLog } from '@signet/platform';
import { testLogger } from './test-platform.js';

/** @returns names of scans, by which they are recognised in the log */
export const namesOf = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, n) => `${prefix}${n}.example`);

/**
 * Scans once for each name, which is sent as the host that the scan comes from; 16 at once.
 * @returns the names of the scans that were answered with 302
 */
export async function scanNamed(url: string, names: readonly string[]): Promise<string[]> {
  const answered: string[] = [];
  const left = [...names];
  const work = async (): Promise<void> => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) {
      const headers = { referer: `https://${name}/` };
      const answer = await fetch(url, { headers, redirect: 'manual' }).catch(() => undefined);
      if (answer?.status === 302) answered.push(name);
    }
  };
  await Promise.all(Array.from({ length: 16 }, work));
  return answered;
}

/**
 * What Kafka has of a code, each event once, as it came first.
 * @param since when the log took it, or later
 */
export async function loggedScans(brokers: string, codeId: string, since: Date): Promise<ScanEvent[]> {
  const options = { brokers: brokers.split(','), clientId: 'test', replicationFactor: 1 };
  const log = new KafkaEventLog({ ...options, logger: testLogger(), onCrash: () => {} });
  const events = new Map<string, ScanEvent>();
  const onBatch = async ({ records }: { records: readonly { value: Buffer }[] }): Promise<void> => {
    for (const { value } of records) {
      const event = ScanEventSchema.parse(JSON.parse(value.toString()));
      if (event.subject === codeId && !events.has(event.id)) events.set(event.id, event);
    }
  };
  try {
    await log.read({ topic: topics.scans.name, from: since, to: new Date(Date.now() + 1000), onBatch });
  } finally {
    await log.close();
  }
  return [...events.values()];
}

/** @returns the names of scans, and `undefined` for each event that has none */
export const namesIn = (events: readonly ScanEvent[]): (string | undefined)[] =>
  events.map((event) => (event.type === 'scan.recorded' ? event.data.referrerHost : undefined));
