import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ScanEventSchema, topics, type ScanEvent } from '@signet/contracts';
import {
  Health,
  LmdbEventLog,
  ManualClock,
  newId,
  Registry,
  SignetError,
  type NewRecord,
  type RecordBatch,
} from '@signet/platform';
import { testLogger } from '@signet/testing';
import fc from 'fast-check';
import type { ScanFacts } from './scan-facts.js';
import { LeftJournals } from './left-journals.js';
import { ScanJournal } from './scan-journal.js';
import { ScanPump } from './scan-pump.js';

/** The embedded log, which can be away; and which may take records and yet say that it failed. */
class UnreliableEventLog extends LmdbEventLog {
  mode: 'up' | 'down' | 'loses-its-answers' = 'up';
  refused = 0;

  override async publish(topic: string, records: readonly NewRecord[]): Promise<void> {
    if (this.mode !== 'down') await super.publish(topic, records);
    if (this.mode === 'up') return;
    this.refused += 1;
    throw new SignetError('unavailable');
  }
}

/** Follows the topic; what comes twice is held once, as every consumer does it. */
class Received {
  readonly events = new Map<string, ScanEvent>();
  readonly keys: string[] = [];
  private reached: () => void = () => {};

  readonly take = ({ records }: RecordBatch): void => {
    for (const { key, value } of records) {
      const event = ScanEventSchema.parse(JSON.parse(value.toString()));
      if (!this.events.has(event.id)) this.keys.push(key);
      this.events.set(event.id, event);
    }
    this.reached();
  };
  async until(condition: (received: this) => boolean): Promise<void> {
    while (!condition(this)) await new Promise<void>((resolve) => (this.reached = resolve));
  }
}

interface World {
  journal: ScanJournal;
  pump: ScanPump;
  eventLog: UnreliableEventLog;
  received: Received;
  metrics: Registry;
  health: Health;
  /** Ends the process' part and starts it again on the same directory. */
  restart(): Promise<void>;
}

const directory = mkdtempSync(join(tmpdir(), 'signet-pump-'));
const clock = new ManualClock();
const logger = testLogger();
let worlds = 0;
let eventLog: UnreliableEventLog;
afterEach(() => eventLog.close());
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function openWorld({
  maxEntries,
  left: lefts = [],
}: { maxEntries?: number; left?: string[] } = {}): Promise<World> {
  const place = join(directory, String((worlds += 1)));
  eventLog = new UnreliableEventLog({ directory: join(place, 'events'), logger });
  await eventLog.ensureTopics([topics.scans]);
  const received = new Received();
  await eventLog.tail({ topics: [topics.scans.name], backlog: 0, onBatch: received.take });
  const start = async (): Promise<Pick<World, 'journal' | 'pump' | 'metrics' | 'health'>> => {
    const [metrics, health] = [new Registry(), new Health()];
    const options = { directory: join(place, 'journal'), maxBytes: 1e9, maxEntries, clock, logger, metrics };
    const journal = await ScanJournal.open(options);
    const left = await LeftJournals.open(lefts, options);
    const pump = new ScanPump(journal, left, eventLog, clock, logger, metrics, health);
    pump.onApplicationBootstrap();
    return { journal, pump, metrics, health };
  };
  const world: World = {
    ...(await start()),
    eventLog,
    received,
    async restart() {
      await world.pump.onApplicationShutdown();
      Object.assign(world, await start());
    },
  };
  return world;
}

const scanOf = (facts: Partial<ScanFacts> = {}): ScanFacts => ({
  outcome: 'redirected',
  at: clock.now().getTime(),
  ...facts,
});

describe('ScanPump', () => {
  it('ships every scan in order, under the key of its code, and empties the journal', async () => {
    const { journal, pump, received, metrics } = await openWorld();
    const codeId = newId();
    const ids: (string | undefined)[] = [];
    for (let round = 0; round < 30; round++) {
      const scans = Array.from({ length: 100 }, () => journal.append(scanOf({ codeId, workspaceId: newId() })));
      ids.push(...(await Promise.all(scans)));
    }
    ids.push(await journal.append(scanOf({ outcome: 'not_found' })));
    await received.until(({ events }) => events.size === ids.length);
    expect([...received.events.keys()]).toEqual(ids);
    expect(Array.from(received.events.values(), ({ sequence }) => Number(sequence))).toEqual(
      ids.map((_, index) => index + 1),
    );
    expect(new Set(received.keys)).toEqual(new Set([codeId, 'unknown']));
    await pump.onApplicationShutdown();
    expect(await metrics.getSingleMetricAsString('signet_scans_published_total')).toContain(` ${ids.length}`);
    await expect(journal.append(scanOf())).rejects.toThrow('closed');
  });

  it.each(['down', 'loses-its-answers'] as const)(
    'keeps order and ids while the log is %s, also over a restart of the process',
    async (mode) => {
      const world = await openWorld();
      const ids = [await world.journal.append(scanOf())];
      await world.received.until(({ events }) => events.size === 1);
      world.eventLog.mode = mode;
      for (let index = 0; index < 50; index++) ids.push(await world.journal.append(scanOf()));
      await world.restart();
      expect(world.eventLog.refused).toBeGreaterThan(0);
      expect(world.journal.depth).toBe(50);
      ids.push(await world.journal.append(scanOf()));
      world.eventLog.mode = 'up';
      await world.received.until(({ events }) => events.size === ids.length);
      expect([...world.received.events.keys()]).toEqual(ids);
      await world.pump.onApplicationShutdown();
    },
  );

  it('ships what was noticed of guessing between the scans, also after a restart', async () => {
    const world = await openWorld();
    world.eventLog.mode = 'down';
    const [from, to] = [clock.now().toISOString(), new Date(clock.now().getTime() + 20_000).toISOString()];
    const guessing = { kind: 'slug' as const, ip: '203.0.113.0', count: 61, limit: 60, windowSeconds: 60, from, to };
    await world.journal.append(scanOf({ outcome: 'not_found' }));
    await world.journal.appendGuessing(guessing);
    await world.journal.append(scanOf({ outcome: 'not_found' }));
    await world.restart();
    world.eventLog.mode = 'up';
    await world.received.until(({ events }) => events.size === 3);
    const events = [...world.received.events.values()];
    expect(events.map(({ type, sequence }) => [type, sequence])).toEqual([
      ['scan.recorded', '1'],
      ['scan.guessing', '2'],
      ['scan.recorded', '3'],
    ]);
    expect(events[1]).toMatchObject({ subject: 'unknown', time: to, data: guessing });
    await world.pump.onApplicationShutdown();
  });

  it('does not try more often because more is scanned while the log is away', async () => {
    const world = await openWorld();
    world.eventLog.mode = 'down';
    for (let index = 0; index < 300; index++) await world.journal.append(scanOf());
    expect(world.eventLog.refused).toBeLessThan(10);
    await world.pump.onApplicationShutdown();
  });

  it('ships the counts of a full journal once it has caught up, and the numbers add up', async () => {
    const world = await openWorld({ maxEntries: 20 });
    world.eventLog.mode = 'down';
    await Promise.all(Array.from({ length: 50 }, () => world.journal.append(scanOf())));
    expect((await world.health.report()).degraded).toEqual({ journal: expect.stringContaining('full') });
    await world.restart();
    world.eventLog.mode = 'up';
    await world.received.until(({ events }) => [...events.values()].some(({ type }) => type === 'scan.folded'));
    const events = [...world.received.events.values()];
    expect(events.map(({ type }) => type)).toEqual([...Array(20).fill('scan.recorded'), 'scan.folded']);
    expect(events.at(-1)?.data).toMatchObject({ outcome: 'redirected', count: 30 });
    await world.journal.append(scanOf());
    await world.received.until((received) => received.events.size === 22);
    expect((await world.health.report()).degraded).toEqual({});
    await world.pump.onApplicationShutdown();
  });

  it('ships the journals that were left to it, removes them when they are empty, and goes on without a broken one', async () => {
    const folder = join(directory, 'left');
    const lefts = [1, 2, 3].map((worker) => join(folder, `worker-${worker}`));
    const options = { maxBytes: 1e9, clock, logger, metrics: new Registry() };
    for (const place of lefts.slice(0, 2)) {
      const journal = await ScanJournal.open({ ...options, directory: place });
      await Promise.all([journal.append(scanOf()), journal.append(scanOf())]);
      await journal.close();
    }
    // No journal, whatever it is.
    mkdirSync(join(lefts[2] ?? '', 'journal.mdb'), { recursive: true });
    const world = await openWorld({ left: lefts });
    await world.journal.append(scanOf());
    await world.received.until(({ events }) => events.size === 5);
    expect(new Set(Array.from(world.received.events.values(), ({ source }) => source)).size).toBe(3);
    await world.pump.onApplicationShutdown();
    expect(lefts.map((place) => existsSync(place))).toEqual([false, false, true]);
  });

  it('has every scan of an hour once, whole or counted, whatever log and process do meanwhile', async () => {
    const minute = fc.record({
      mode: fc.constantFrom('up', 'down', 'down', 'loses-its-answers'),
      restarts: fc.nat(9).map((n) => n === 0),
    });
    const hour = fc.array(minute, { minLength: 60, maxLength: 60 });
    await fc.assert(fc.asyncProperty(hour, live), { numRuns: 1, endOnFailure: true });
  });
  /** 100 scans in each minute; the journal holds 800. */
  async function live(hour: { mode: UnreliableEventLog['mode']; restarts: boolean }[]): Promise<void> {
    const world = await openWorld({ maxEntries: 800 });
    const kept: string[] = [];
    for (const { mode, restarts } of hour) {
      clock.advance(60_000);
      world.eventLog.mode = mode;
      if (restarts) await world.restart();
      const ids = await Promise.all(Array.from({ length: 100 }, () => world.journal.append(scanOf())));
      kept.push(...ids.filter((id) => id !== undefined));
    }
    world.eventLog.mode = 'up';
    // A new process does not wait until the former one had tried again.
    await world.restart();
    const { events } = world.received;
    const whole = (): ScanEvent[] => [...events.values()].filter(({ type }) => type === 'scan.recorded');
    const counted = (): number =>
      [...events.values()].reduce((sum, { data }) => sum + ('count' in data ? data.count : 0), 0);
    await world.received.until(() => whole().length + counted() >= 100 * hour.length);
    expect([whole().length + counted(), whole().map(({ id }) => id)]).toEqual([100 * hour.length, kept]);
    const sequences = Array.from(events.values(), ({ sequence }) => Number(sequence));
    expect(sequences).toEqual(sequences.map((_, index) => index + 1));
    await world.pump.onApplicationShutdown();
  }

  it('says so when scans have been waiting for more than a minute', async () => {
    const world = await openWorld();
    world.eventLog.mode = 'down';
    await world.journal.append(scanOf());
    expect((await world.health.report()).degraded).toEqual({});
    clock.advance(61_000);
    expect((await world.health.report()).degraded).toEqual({ journal: expect.stringContaining('61 s') });
    expect(await world.metrics.getSingleMetricAsString('signet_journal_depth')).toContain(' 1');
    expect(await world.metrics.getSingleMetricAsString('signet_journal_oldest_age_seconds')).toContain(' 61');
    await world.pump.onApplicationShutdown();
  });
});
