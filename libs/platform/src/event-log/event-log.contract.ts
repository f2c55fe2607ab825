import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TopicSpec } from '@signet/contracts';
import type { EventLog, LogRecord, NewRecord, RecordBatch, Subscription } from './event-log.js';

export interface EventLogUnderTest {
  log: EventLog;
  /** Closes the log and opens it again, as a restart of the process does. */
  reopen: () => Promise<EventLog>;
}

export const newTopic = (partitions = 6): TopicSpec => ({
  name: `test.${randomUUID()}`,
  partitions,
  cleanup: 'delete',
  retentionDays: 1,
});
export const newGroup = (): string => `group-${randomUUID()}`;

/** Records whose keys come in turn, each value telling key and place. */
export const recordsOf = (keys: readonly string[], count: number, from = 0): NewRecord[] =>
  Array.from({ length: count }, (_, index) => {
    const key = keys[index % keys.length] ?? '';
    return { key, value: Buffer.from(`${key}:${from + index}`) };
  });

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

/** Collects what a consumer is given. */
export class Taken {
  readonly batches: RecordBatch[] = [];

  readonly take = async (batch: RecordBatch): Promise<void> => void this.batches.push(batch);

  get records(): LogRecord[] {
    return this.batches.flatMap(({ records }) => records);
  }
  /** What came, in the order of first arrival: a retry inside `publish` may leave a twin under another offset. */
  get values(): string[] {
    return [...new Set(this.records.map(({ value }) => value.toString()))];
  }
  ofKey(wanted: string): string[] {
    return [...new Set(this.records.filter(({ key }) => key === wanted).map(({ value }) => value.toString()))];
  }
  /** Resolves when so many records came. */
  async reached(count: number): Promise<void> {
    await until(() => this.records.length >= count);
  }
  /** Resolves when so many different values came. */
  async reachedValues(count: number): Promise<void> {
    await until(() => this.values.length >= count);
  }
}

const texts = (records: readonly NewRecord[]): string[] => records.map(({ value }) => value.toString());
const placeOf = ({ topic, partition, offset }: LogRecord): string => `${topic}/${partition}/${offset}`;
const sorted = (values: readonly string[]): string[] => values.toSorted((a, b) => a.localeCompare(b));

/** Every promise of EventLog that an adapter must keep. */
export function describeEventLog(name: string, makeAdapter: () => Promise<EventLogUnderTest>): void {
  describe(`EventLog: ${name}`, () => {
    let log: EventLog;
    let reopen: () => Promise<void>;
    let topic: string;
    let group: string;

    beforeEach(async () => {
      const adapter = await makeAdapter();
      log = adapter.log;
      reopen = async () => void (log = await adapter.reopen());
      const spec = newTopic();
      await log.ensureTopics([spec]);
      topic = spec.name;
      group = newGroup();
    });
    afterEach(() => log.close());

    const consume = (taken: Taken, options: { group?: string; topics?: string[] } = {}): Promise<Subscription> =>
      log.consume({ group, topics: [topic], onBatch: taken.take, ...options });

    it('gives the records of a key in the order in which they were published', async () => {
      const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
      const taken = new Taken();
      for (let from = 0; from < 700; from += 70) await log.publish(topic, recordsOf(keys, 70, from));
      await consume(taken);
      for (let from = 700; from < 1400; from += 70) await log.publish(topic, recordsOf(keys, 70, from));
      await taken.reachedValues(1400);
      const published = recordsOf(keys, 1400);
      for (const key of keys) {
        expect(taken.ofKey(key)).toEqual(texts(published.filter((record) => record.key === key)));
      }
    });

    it('gives many records in batches of one partition, of at most 4000 records and in the order of offsets', async () => {
      const taken = new Taken();
      await log.publish(topic, recordsOf(['a', 'b', 'c'], 5000));
      await consume(taken);
      await taken.reached(5000);
      expect(taken.batches.length).toBeLessThan(100);
      for (const { partition, records } of taken.batches) {
        expect(records.length).toBeGreaterThan(0);
        expect(records.length).toBeLessThanOrEqual(4000);
        const offsets = records.map(({ offset }) => offset);
        expect(offsets).toEqual(offsets.toSorted((a, b) => Number(a - b)));
        expect(records.every((record) => record.partition === partition && record.topic === topic)).toBe(true);
      }
      expect(new Set(taken.records.map(placeOf)).size).toBeGreaterThanOrEqual(5000);
    });

    it('gives back the same bytes, key and headers, with the time at which it took them', async () => {
      const before = Date.now();
      const value = Buffer.concat([Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)), randomBytes(1000)]);
      const headers = { 'content-type': 'application/cloudevents+json', naïve: 'ümlaut' };
      const taken = new Taken();
      await log.publish(topic, [{ key: 'schlüssel', value, headers }]);
      await log.publish(topic, [{ key: 'schlüssel', value: Buffer.alloc(0) }]);
      await consume(taken);
      await taken.reached(2);
      const [first, second] = taken.records;
      expect(first).toMatchObject({ key: 'schlüssel', headers });
      expect(first?.value.equals(value)).toBe(true);
      expect(first?.appendedAt).toBeGreaterThanOrEqual(before - 1);
      expect(first?.appendedAt).toBeLessThanOrEqual(Date.now() + 1);
      expect(second?.value).toHaveLength(0);
      expect(second?.headers).toBeUndefined();
    });

    it('takes one publish of several megabytes that do not compress', async () => {
      const values = Array.from({ length: 300 }, () => randomBytes(10_000));
      const taken = new Taken();
      await log.publish(
        topic,
        values.map((value) => ({ key: 'one', value })),
      );
      await consume(taken);
      await taken.reached(300);
      expect(taken.records.map(({ value }) => value.toString('base64'))).toEqual(
        values.map((value) => value.toString('base64')),
      );
    });

    it('starts a new group at the oldest record', async () => {
      await log.publish(topic, recordsOf(['a'], 3));
      const taken = new Taken();
      await consume(taken);
      await taken.reached(3);
      expect(taken.values).toEqual(['a:0', 'a:1', 'a:2']);
    });

    it('gives every group everything', async () => {
      const [first, second] = [new Taken(), new Taken()];
      await consume(first, { group: newGroup() });
      await consume(second, { group: newGroup() });
      await log.publish(topic, recordsOf(['a', 'b'], 20));
      await Promise.all([first.reached(20), second.reached(20)]);
      expect(sorted(first.values)).toEqual(sorted(texts(recordsOf(['a', 'b'], 20))));
      expect(sorted(second.values)).toEqual(sorted(first.values));
    });

    it('serves several topics in one subscription', async () => {
      const other = newTopic(1);
      await log.ensureTopics([other]);
      const taken = new Taken();
      await consume(taken, { topics: [topic, other.name] });
      await log.publish(topic, recordsOf(['here'], 1));
      await log.publish(other.name, recordsOf(['there'], 1));
      await taken.reached(2);
      expect(taken.records.find((record) => record.topic === other.name)?.key).toBe('there');
      expect(taken.records.find((record) => record.topic === topic)?.key).toBe('here');
    });

    it('gives the same records again until the handler takes them, and only then the next', async () => {
      const refused: string[][] = [];
      const taken = new Taken();
      await log.publish(topic, recordsOf(['a'], 3));
      await log.consume({
        group,
        topics: [topic],
        onBatch: async (batch) => {
          if (refused.length < 2) {
            refused.push(batch.records.map(placeOf));
            throw new TypeError('the database is away');
          }
          await taken.take(batch);
        },
      });
      await taken.reached(3);
      await log.publish(topic, recordsOf(['a'], 1, 3));
      await taken.reached(4);
      const first = taken.records.slice(0, 3).map(placeOf);
      expect(refused).toEqual([first, first]);
      expect(taken.values).toEqual(['a:0', 'a:1', 'a:2', 'a:3']);
    });

    it('gives records that a member did not take before it ended to the next member', async () => {
      await log.publish(topic, recordsOf(['a'], 3));
      let refusals = 0;
      const member = await log.consume({
        group,
        topics: [topic],
        onBatch: async () => {
          refusals += 1;
          throw new Error('not yet');
        },
      });
      await until(() => refusals > 0);
      await member.stop();
      const taken = new Taken();
      await consume(taken);
      await taken.reached(3);
      expect(taken.values).toEqual(['a:0', 'a:1', 'a:2']);
    });

    it('finishes and commits the batch in hand before a subscription has stopped', async () => {
      await log.publish(topic, recordsOf(['a'], 1));
      const handed = new Taken();
      let finish = (): void => {};
      const mayFinish = new Promise<void>((resolve) => (finish = resolve));
      const member = await log.consume({
        group,
        topics: [topic],
        onBatch: async (batch) => {
          await handed.take(batch);
          await mayFinish;
        },
      });
      await handed.reached(1);
      let hasStopped = false;
      const stopping = member.stop().then(() => (hasStopped = true));
      await sleep(50);
      expect(hasStopped).toBe(false);
      finish();
      await stopping;

      const next = new Taken();
      await consume(next);
      await log.publish(topic, recordsOf(['a'], 1, 1));
      await next.reached(1);
      expect(next.values).toEqual(['a:1']);
    });

    it('goes on after the last commit when it is opened again', async () => {
      const before = new Taken();
      await consume(before);
      await log.publish(topic, recordsOf(['a'], 5));
      await before.reached(5);
      await reopen();
      await log.publish(topic, recordsOf(['a'], 5, 5));
      const after = new Taken();
      await consume(after);
      await after.reached(5);
      expect(after.values).toEqual(texts(recordsOf(['a'], 5, 5)));
      expect(after.records[0]?.offset).toBe(5n);
    });

    it('keeps its identity when it is opened again', async () => {
      const id = await log.id();
      expect(id).toMatch(/^[\w-]{16,}$/);
      await reopen();
      expect(await log.id()).toBe(id);
    });

    it('loses no record and no order while members of a group come and go', async () => {
      const keys = Array.from({ length: 30 }, (_, index) => `key-${index}`);
      const arrived = new Taken();
      const distinct = (): number => arrived.values.length;
      const second = new Taken();
      const leaving = await consume(arrived);
      await log.publish(topic, recordsOf(keys, 300));
      await until(() => distinct() === 300);
      await log.consume({
        group,
        topics: [topic],
        onBatch: async (batch) => {
          await second.take(batch);
          await arrived.take(batch);
        },
      });
      await log.publish(topic, recordsOf(keys, 300, 300));
      await until(() => distinct() === 600);
      await leaving.stop();
      await log.publish(topic, recordsOf(keys, 300, 600));
      await until(() => distinct() === 900);
      // A rebalance may bring records twice; of their first arrivals none overtakes another of its key.
      for (const key of keys) {
        const published = recordsOf(keys, 900).filter((record) => record.key === key);
        expect(arrived.ofKey(key)).toEqual(texts(published));
      }
      expect(second.records.length).toBeGreaterThanOrEqual(300);
    });

    it('follows the newest records and then whatever comes, without a group', async () => {
      await log.publish(topic, recordsOf(['a'], 10));
      const taken = new Taken();
      const tail = await log.tail({ topics: [topic], backlog: 3, onBatch: (batch) => void taken.take(batch) });
      await log.publish(topic, recordsOf(['a'], 2, 10));
      await taken.reached(5);
      expect(taken.values).toEqual(['a:7', 'a:8', 'a:9', 'a:10', 'a:11']);
      await tail.stop();
      await log.publish(topic, recordsOf(['a'], 1, 12));
      const later = new Taken();
      await log.tail({ topics: [topic], backlog: 1, onBatch: (batch) => void later.take(batch) });
      await later.reached(1);
      expect(later.values).toEqual(['a:12']);
      expect(taken.values).toHaveLength(5);
    });

    it('follows a log that is shorter than the backlog from its beginning, and an empty one', async () => {
      const taken = new Taken();
      await log.publish(topic, recordsOf(['a'], 2));
      await log.tail({ topics: [topic], backlog: 1000, onBatch: (batch) => void taken.take(batch) });
      const empty = newTopic();
      await log.ensureTopics([empty]);
      const fromEmpty = new Taken();
      await log.tail({ topics: [empty.name], backlog: 1000, onBatch: (batch) => void fromEmpty.take(batch) });
      await log.publish(empty.name, recordsOf(['b'], 1));
      await Promise.all([taken.reached(2), fromEmpty.reached(1)]);
      expect(taken.values).toEqual(['a:0', 'a:1']);
      expect(fromEmpty.values).toEqual(['b:0']);
    });

    it('goes on following after a batch at which the follower threw', async () => {
      const taken = new Taken();
      await log.tail({
        topics: [topic],
        backlog: 0,
        onBatch: (batch) => {
          void taken.take(batch);
          if (taken.records.length === 1) throw new Error('the follower has a bug');
        },
      });
      await log.publish(topic, recordsOf(['a'], 1));
      await taken.reached(1);
      await log.publish(topic, recordsOf(['a'], 1, 1));
      await taken.reached(2);
      expect(taken.values).toEqual(['a:0', 'a:1']);
    });

    it('reads again what it took between two times, and no more', async () => {
      const keys = ['a', 'b', 'c', 'd', 'e'];
      await log.publish(topic, recordsOf(keys, 50));
      await sleep(30);
      const from = new Date();
      await log.publish(topic, recordsOf(keys, 1500, 50));
      await sleep(30);
      const to = new Date();
      await log.publish(topic, recordsOf(keys, 50, 1550));
      const read = async (start: Date, end: Date): Promise<string[]> => {
        const taken = new Taken();
        await log.read({ topic, from: start, to: end, onBatch: taken.take });
        return taken.values;
      };
      expect(sorted(await read(from, to))).toEqual(sorted(texts(recordsOf(keys, 1500, 50))));
      expect(await read(new Date(0), new Date(Date.now() + 60_000))).toHaveLength(1600);
      expect(await read(to, from)).toEqual([]);
      expect(await read(new Date(Date.now() + 60_000), new Date(Date.now() + 120_000))).toEqual([]);
    });

    it('ends a reading at whose batch the reader threw', async () => {
      await log.publish(topic, recordsOf(['a'], 3));
      const onBatch = (): Promise<void> => Promise.reject(new Error('the reader has a bug'));
      const reading = log.read({ topic, from: new Date(0), to: new Date(Date.now() + 60_000), onBatch });
      await expect(reading).rejects.toThrow('the reader has a bug');
    });

    it('tells how far a group is behind', async () => {
      const total = async (): Promise<number> => (await log.lag(group, [topic])).reduce((sum, { lag }) => sum + lag, 0);
      expect(await total()).toBe(0);
      await log.publish(topic, recordsOf(['a', 'b', 'c'], 9));
      expect(await total()).toBe(9);
      const taken = new Taken();
      const member = await consume(taken);
      await taken.reached(9);
      await member.stop();
      expect(await total()).toBe(0);
      await log.publish(topic, recordsOf(['a'], 2));
      expect(await total()).toBe(2);
    });

    it('lets several make sure of the same topics at the same time, and again later', async () => {
      const specs = [newTopic(2), newTopic(3)];
      await Promise.all([log.ensureTopics(specs), log.ensureTopics(specs)]);
      await log.publish(specs[0]?.name ?? '', recordsOf(['a'], 1));
      await log.ensureTopics(specs);
      const taken = new Taken();
      await consume(taken, { topics: [specs[0]?.name ?? ''] });
      await taken.reached(1);
      expect(taken.values).toEqual(['a:0']);
    });

    it('answers a ping while it can be used', async () => {
      await expect(log.ping()).resolves.toBeUndefined();
    });
  });
}
