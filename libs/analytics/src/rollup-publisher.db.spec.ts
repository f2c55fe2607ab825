import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventSchemas, RollupEventSchema, topics, type RollupData } from '@signet/contracts';
import { SignetError, type EventLog, type LogRecord, type NewRecord } from '@signet/platform';
import { openTestPlatform, type TestPlatform } from '@signet/testing';
import { analyticsMigrations } from './analytics.migrations.js';
import { RollupPublisher } from './rollup-publisher.js';
import { RollupRebuild } from './rollup-rebuild.js';
import { RollupWriter } from './rollup-writer.js';
import { scanEvent, TestPartition } from './scan-events.fixture.js';

const topic = topics.analytics.name;
const workspaceId = randomUUID();
const at = (second: number): string => new Date(Date.UTC(2026, 2, 4, 5, 0, second)).toISOString();

let platform: TestPlatform;
let writer: RollupWriter;
let publisher: RollupPublisher;
const records: LogRecord[] = [];
/** What happens beside the publishing, once. */
let meanwhile: (() => void) | undefined;
let isAway = false;

beforeAll(async () => {
  platform = await openTestPlatform(analyticsMigrations);
  const { dataSource, clock, eventLog, logger, metrics } = platform;
  clock.set(new Date('2026-03-04T12:00:00.000Z'));
  writer = new RollupWriter(dataSource, clock);
  await eventLog.ensureTopics(Object.values(topics));
  await eventLog.tail({ topics: [topic], backlog: 0, onBatch: (batch) => void records.push(...batch.records) });
  /** The log of the platform, which can be away. */
  const unreliable: EventLog = Object.create(eventLog, {
    publish: {
      value: async (name: string, added: readonly NewRecord[]) => {
        meanwhile?.();
        meanwhile = undefined;
        if (isAway) throw new SignetError('unavailable');
        await eventLog.publish(name, added);
      },
    },
  });
  publisher = new RollupPublisher(dataSource, unreliable, clock, logger, metrics);
});
afterAll(() => platform.close());

/** Publishes until nothing waits; then everything that was published has come. */
async function publishAll(): Promise<void> {
  while (await publisher.step(0));
  const marker = { key: 'marker', value: Buffer.from(randomUUID()) };
  await platform.eventLog.publish(topic, [marker]);
  while (!records.some(({ value }) => value.equals(marker.value)))
    await new Promise((resolve) => setImmediate(resolve));
}
const published = (codeId: string): RollupData[] =>
  records
    .filter(({ key }) => key.startsWith(codeId))
    .map(({ value }) => RollupEventSchema.parse(JSON.parse(value.toString())).data);
/** As compaction leaves them: the last one of each key. */
const compacted = (codeId: string): Map<string, RollupData> =>
  new Map(published(codeId).map((data) => [`${data.interval} ${data.start}`, data]));

const scans = (codeId: string, count: number) =>
  Array.from({ length: count }, (_, n) =>
    scanEvent({ workspaceId, codeId, visitor: `v${n % 7}`, at: at(n * 11), bot: n % 5 === 0 }),
  );

describe('RollupPublisher', () => {
  it('publishes each window of a code with absolute values, under its key, by the schema of the topic', async () => {
    const codeId = randomUUID();
    await writer.write(new TestPartition(scans(codeId, 10)).batch());
    await publishAll();
    const windows = compacted(codeId);
    expect(windows.get(`hour ${at(0)}`)).toEqual({
      workspaceId,
      codeId,
      interval: 'hour',
      start: at(0),
      scans: 8,
      uniques: 6,
      bots: 2,
      refused: 0,
      opened: 0,
      by: expect.objectContaining({ outcome: { redirected: 8 }, country: { CH: 8 } }),
    });
    expect([...windows.keys()].toSorted()).toEqual(
      [`day 2026-03-04T00:00:00.000Z`, `hour ${at(0)}`, `minute ${at(0)}`, `minute ${at(60)}`].toSorted(),
    );
    const ours = records.filter(({ key }) => key.startsWith(codeId));
    expect(ours.map(({ key }) => key)).toContain(`${codeId}|minute|${at(60)}`);
    for (const { value } of ours)
      expect(eventSchemas[topic]?.safeParse(JSON.parse(value.toString())).error).toBeUndefined();
  });

  it('publishes a window once for all that changed meanwhile, and not again while nothing does', async () => {
    const codeId = randomUUID();
    const partition = new TestPartition(scans(codeId, 5));
    for (let n = 0; n < 5; n += 1) await writer.write(partition.batch(n, n + 1));
    await publishAll();
    await writer.write(partition.batch(0, 5));
    await publishAll();
    expect(published(codeId).filter(({ interval }) => interval === 'hour')).toHaveLength(1);
    expect(compacted(codeId).get(`hour ${at(0)}`)).toMatchObject({ scans: 4, bots: 1 });
  });

  it('waits a while for more to come', async () => {
    const codeId = randomUUID();
    await writer.write(new TestPartition(scans(codeId, 1)).batch());
    expect(await publisher.step(60_000)).toBe(false);
    expect(published(codeId)).toEqual([]);
    await publishAll();
    expect(published(codeId)).toHaveLength(3);
  });

  it('publishes again what was counted while it published', async () => {
    const codeId = randomUUID();
    const partition = new TestPartition(scans(codeId, 10));
    await writer.write(partition.batch(0, 5));
    let counted: Promise<unknown> | undefined;
    meanwhile = () => {
      counted = writer.write(partition.batch(5, 10));
    };
    await publisher.step(0);
    await counted;
    await publishAll();
    expect(compacted(codeId).get(`hour ${at(0)}`)).toMatchObject({ scans: 8, bots: 2 });
  });

  it('forgets nothing while the log is away', async () => {
    const codeId = randomUUID();
    await writer.write(new TestPartition(scans(codeId, 10)).batch());
    isAway = true;
    await expect(publisher.step(0)).rejects.toThrow('unavailable');
    isAway = false;
    await publishAll();
    expect(compacted(codeId).get(`hour ${at(0)}`)).toMatchObject({ scans: 8 });
  });

  it('publishes what a rebuild corrected, to zero if nothing is left', async () => {
    const [codeId, gone] = [randomUUID(), randomUUID()];
    await writer.write(new TestPartition([...scans(codeId, 10), ...scans(gone, 3)]).batch());
    await publishAll();
    const { dataSource, eventLog } = platform;
    await dataSource.query('DELETE FROM analytics.scans WHERE code_id = $1', [gone]);
    await new RollupRebuild(dataSource, writer, eventLog).rebuildDay(new Date('2026-03-04T00:00:00.000Z'));
    await publishAll();
    expect(compacted(gone).get(`hour ${at(0)}`)).toMatchObject({ scans: 0, bots: 0, uniques: 0, by: {} });
    expect(compacted(codeId).get(`hour ${at(0)}`)).toMatchObject({ scans: 8, bots: 2 });
  });
});
