import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SCAN_OUTCOMES, type Interval, type ScanEvent } from '@signet/contracts';
import { ManualClock, newId } from '@signet/platform';
import { openTestDatabase, type TestDatabase } from '@signet/testing';
import fc from 'fast-check';
import { analyticsMigrations } from './analytics.migrations.js';
import { readBreakdown, readCounts, readVisitors } from './analytics.sql.js';
import { dropDaysBefore } from './raw-scans.sql.js';
import { RollupWriter } from './rollup-writer.js';
import { MAX_VALUES, OTHER } from './rollup.js';
import { classifyScan } from './scan-facts.js';
import { foldedEvent, scanEvent, TestPartition } from './scan-events.fixture.js';
import { coverRange, coverWhole } from './time-range.js';
import { EXACT_VISITORS, VisitorSketch } from './visitor-sketch.js';

let database: TestDatabase;
let writer: RollupWriter;
const clock = new ManualClock(new Date('2026-03-04T12:00:00.000Z'));
const workspaceId = randomUUID();

beforeAll(async () => {
  database = await openTestDatabase(analyticsMigrations);
  writer = new RollupWriter(database.dataSource, clock);
});
afterAll(() => database.close());

type RecordedScan = Extract<ScanEvent, { type: 'scan.recorded' }>;
const query = <Row>(sql: string, parameters: unknown[]): Promise<Row[]> => database.dataSource.query(sql, parameters);

interface StoredWindow {
  bucket: Date;
  scans: number;
  bots: number;
  refused: number;
  opened: number;
  counts: Record<string, Record<string, number>>;
}
/** The windows of a code or workspace, in order. */
const windowsOf = (scopeId: string, grain: Interval): Promise<StoredWindow[]> =>
  query(
    `SELECT bucket, scans::int, bots::int, refused::int, opened::int, counts FROM analytics.rollups_${grain}
     WHERE scope_id = $1 ORDER BY bucket`,
    [scopeId],
  );

/** Every event that names this code, by all records of it. */
async function totalOf(codeId: string) {
  const [raw] = await query<{ rows: number; folded: number; days: number }>(
    `SELECT (SELECT count(*)::int FROM analytics.scans WHERE code_id = $1) AS rows,
       (SELECT COALESCE(sum(count), 0)::int FROM analytics.folded_scans WHERE code_id = $1) AS folded`,
    [codeId],
  );
  const sum = async (grain: Interval): Promise<number> =>
    (await windowsOf(codeId, grain)).reduce((total, row) => total + row.scans + row.bots + row.refused + row.opened, 0);
  return {
    raw: (raw?.rows ?? 0) + (raw?.folded ?? 0),
    minutes: await sum('minute'),
    hours: await sum('hour'),
    days: await sum('day'),
  };
}
const all = (count: number) => ({ raw: count, minutes: count, hours: count, days: count });

const someScans = (codeId: string, count: number): ScanEvent[] =>
  Array.from({ length: count }, (_, index) =>
    scanEvent({ workspaceId, codeId, at: new Date(Date.UTC(2026, 2, 4, 5, 0, index * 7)).toISOString() }),
  );

describe('RollupWriter', () => {
  it('counts every event once when any prefix is delivered again', async () => {
    const codeId = randomUUID();
    const partition = new TestPartition(someScans(codeId, 60));
    for (const [from, to] of [
      [0, 20],
      [0, 20],
      [5, 30],
      [30, 40],
      [0, 60],
      [59, 60],
    ] as const)
      await writer.write(partition.batch(from, to));
    expect(await totalOf(codeId)).toEqual(all(60));
  });

  it('tells what it counted, what it had counted before and what was missing', async () => {
    const codeId = randomUUID();
    const events = someScans(codeId, 10);
    const partition = new TestPartition(events);
    expect(await writer.write(partition.batch(0, 4))).toEqual({ added: 4, duplicates: 0, tooLate: 0, missed: 0n });
    expect(await writer.write(partition.batch(2, 6))).toEqual({ added: 2, duplicates: 2, tooLate: 0, missed: 0n });
    expect(await writer.write(partition.batch(8, 10))).toEqual({ added: 2, duplicates: 0, tooLate: 0, missed: 2n });
    expect(await writer.write(partition.batch(8, 10))).toEqual({ added: 0, duplicates: 2, tooLate: 0, missed: 0n });
    expect(await totalOf(codeId)).toEqual(all(8));
  });

  it('counts an event that was written to the log twice once, in one batch and in two', async () => {
    const codeId = randomUUID();
    const events = someScans(codeId, 10);
    const shouted = { ...events[3], id: events[3]?.id.toUpperCase() } as ScanEvent;
    const partition = new TestPartition([...events, ...events.slice(0, 5), ...events, shouted]);
    await writer.write(partition.batch(0, 15));
    await writer.write(partition.batch(15, 26));
    expect(await totalOf(codeId)).toEqual(all(10));
  });

  it('counts once when a stale member of the group writes the same partition at the same time', async () => {
    const codeId = randomUUID();
    const partition = new TestPartition(someScans(codeId, 300));
    const ranges = Array.from({ length: 30 }, (_, index) => [index * 10, index * 10 + 10] as const);
    const member = async (step: number): Promise<void> => {
      for (let index = 0; index < ranges.length; index += step) {
        const [from] = ranges[index] ?? [0];
        await writer.write(partition.batch(from, Math.min(300, from + step * 10)));
      }
    };
    await Promise.all([member(1), member(3), member(2)]);
    expect(await totalOf(codeId)).toEqual(all(300));
  });

  it('never waits in a circle when partitions share events and windows', async () => {
    const codes = Array.from({ length: 20 }, () => randomUUID());
    const events = codes.flatMap((codeId) => someScans(codeId, 20));
    const partitions = [
      events,
      events.toReversed(),
      events.toSorted((a, b) => (a.id.slice(-4) < b.id.slice(-4) ? -1 : 1)),
    ];
    await Promise.all(partitions.map((list, index) => writer.write(new TestPartition(list, 0n, index).batch())));
    for (const codeId of codes) expect(await totalOf(codeId)).toEqual(all(20));
  });

  it('keeps nothing of a batch whose transaction fails at its last step, and counts it when it comes again', async () => {
    const codeId = randomUUID();
    const partition = new TestPartition(someScans(codeId, 12));
    await database.dataSource.query(`
      CREATE FUNCTION analytics.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'crash'; END $$;
      CREATE TRIGGER crash BEFORE UPDATE ON analytics.consumer_offsets FOR EACH ROW EXECUTE FUNCTION analytics.fail();
    `);
    try {
      await expect(writer.write(partition.batch())).rejects.toThrow('crash');
      expect(await totalOf(codeId)).toEqual(all(0));
    } finally {
      await database.dataSource.query('DROP TRIGGER crash ON analytics.consumer_offsets; DROP FUNCTION analytics.fail');
    }
    await writer.write(partition.batch());
    expect(await totalOf(codeId)).toEqual(all(12));
  });

  it('puts a late event into the window in which it happened', async () => {
    const codeId = randomUUID();
    const scan = (at: string) => scanEvent({ workspaceId, codeId, at });
    const partition = new TestPartition([
      scan('2026-03-04T10:00:00.000Z'),
      scan('2026-03-04T11:30:59.999Z'),
      scan('2026-03-04T10:00:59.999Z'),
    ]);
    await writer.write(partition.batch(0, 2));
    await writer.write(partition.batch(2, 3));
    const minutes = await windowsOf(codeId, 'minute');
    expect(minutes.map(({ bucket, scans }) => [bucket.toISOString(), scans])).toEqual([
      ['2026-03-04T10:00:00.000Z', 2],
      ['2026-03-04T11:30:00.000Z', 1],
    ]);
  });

  it('adds a folded count once, under its outcome, to its hour', async () => {
    const codeId = randomUUID();
    const folded = foldedEvent({
      workspaceId,
      codeId,
      outcome: 'claimed',
      hour: '2026-03-04T10:00:00.000Z',
      count: 41,
    });
    const partition = new TestPartition([folded, scanEvent({ workspaceId, codeId }), folded]);
    expect(await writer.write(partition.batch(0, 2))).toMatchObject({ added: 2 });
    expect(await writer.write(partition.batch(2, 3))).toMatchObject({ added: 0, duplicates: 1 });
    expect(await totalOf(codeId)).toEqual(all(42));
    const hours = await windowsOf(codeId, 'hour');
    expect(hours).toContainEqual(
      expect.objectContaining({
        bucket: new Date('2026-03-04T10:00:00.000Z'),
        scans: 41,
        counts: { outcome: { claimed: 41 } },
      }),
    );
  });

  it('counts folded bots as bots', async () => {
    const codeId = randomUUID();
    const hour = '2026-03-04T10:00:00.000Z';
    const folded = foldedEvent({ workspaceId, codeId, outcome: 'redirected', hour, count: 7, bot: true });
    await writer.write(new TestPartition([folded]).batch());
    const [window] = await windowsOf(codeId, 'day');
    expect(window).toMatchObject({ scans: 0, bots: 7, counts: {} });
  });

  it('counts each code, and all of them as their workspace', async () => {
    const [workspace, one, other] = [randomUUID(), randomUUID(), randomUUID()];
    const scans = [
      scanEvent({ workspaceId: workspace, codeId: one, targetIndex: 2 }),
      scanEvent({ workspaceId: workspace, codeId: other, country: 'DE' }),
      scanEvent({ workspaceId: workspace, codeId: other, outcome: 'interstitial' }),
    ];
    await writer.write(new TestPartition(scans).batch());
    for (const grain of ['minute', 'hour', 'day'] as const) {
      const [window] = await windowsOf(workspace, grain);
      expect(window).toMatchObject({ scans: 2, opened: 1 });
      expect(window?.counts).toMatchObject({ country: { CH: 1, DE: 1 }, target: { 2: 1 } });
    }
  });

  it('tells 1,000 values of a dimension in a window apart, and counts the rest together', async () => {
    const codeId = randomUUID();
    const scans = Array.from({ length: MAX_VALUES + 5 }, (_, n) =>
      scanEvent({ workspaceId, codeId, referrerHost: `host${n}.example`, city: '__proto__' }),
    );
    const partition = new TestPartition(scans);
    await writer.write(partition.batch(0, 600));
    await writer.write(partition.batch(600));
    const [window] = await windowsOf(codeId, 'hour');
    const referrers = window?.counts['referrer'] ?? {};
    expect(Object.keys(referrers)).toHaveLength(MAX_VALUES + 1);
    expect(referrers[OTHER]).toBe(5);
    expect(Object.entries(window?.counts['city'] ?? {})).toEqual([['__proto__', MAX_VALUES + 5]]);
  });

  it('keeps scans of unknown slugs in the raw log and out of every rollup', async () => {
    const slug = randomUUID();
    const partition = new TestPartition([scanEvent({ outcome: 'not_found', slug })]);
    await writer.write(partition.batch());
    const rows = await query('SELECT outcome, code_id FROM analytics.scans WHERE slug = $1', [slug]);
    expect(rows).toEqual([{ outcome: 'not_found', code_id: null }]);
  });

  it('is not stopped by text, numbers or dates that PostgreSQL would refuse', async () => {
    const codeId = randomUUID();
    const odd = [
      { referrerHost: 'x'.repeat(100_000), language: '\0', city: '\ud800', slug: 'a\0b' },
      { city: '\udc00', targetIndex: Number.MAX_SAFE_INTEGER, codeVersion: -1 },
      { at: '0000-01-01T00:00:00.000Z' },
      { at: '9999-12-31T23:59:59.999Z', codeId: codeId.toUpperCase() },
    ];
    const partition = new TestPartition(odd.map((data) => scanEvent({ workspaceId, codeId, ...data })));
    await writer.write(partition.batch());
    expect(await totalOf(codeId)).toEqual(all(4));
  });

  it('begins a log of its own at its own offsets', async () => {
    const codeId = randomUUID();
    await writer.write(new TestPartition(someScans(codeId, 5)).batch());
    expect(await writer.write(new TestPartition(someScans(codeId, 3)).batch())).toMatchObject({ added: 3 });
    expect(await totalOf(codeId)).toEqual(all(8));
  });

  it('does not count what comes for a day whose scans are no longer kept', async () => {
    const codeId = randomUUID();
    const old = (id?: string) => scanEvent({ workspaceId, codeId, at: '2026-01-10T10:00:00.000Z' }, id);
    const counted = old();
    expect(await writer.write(new TestPartition([counted]).batch())).toMatchObject({ added: 1 });
    expect(await dropDaysBefore(database.dataSource.manager, Date.UTC(2026, 0, 11))).toBe(1);
    const late = new TestPartition([old(), old(counted.id), scanEvent({ workspaceId, codeId })]);
    expect(await writer.write(late.batch())).toMatchObject({ added: 1, tooLate: 2, duplicates: 0 });
    expect(await totalOf(codeId)).toEqual({ raw: 1, minutes: 1, hours: 2, days: 2 });
  });
});

describe('the visitors of a code', () => {
  it(`are exact to ${EXACT_VISITORS} and within three standard errors beyond, however they come`, async () => {
    const codeId = randomUUID();
    const scans = Array.from({ length: 3000 }, (_, n) =>
      scanEvent({
        workspaceId,
        codeId,
        visitor: `v${n % 1000}`,
        at: new Date(Date.UTC(2026, 2, 4, 5, 0, n)).toISOString(),
      }),
    );
    const partition = new TestPartition(scans);
    const { manager } = database.dataSource;
    const counted = async (): Promise<number> => {
      const sketch = new VisitorSketch();
      const day = [{ grain: 'day' as const, from: Date.UTC(2026, 2, 4), to: Date.UTC(2026, 2, 5) }];
      for (const { visitors } of await readVisitors(manager, { workspaceId, scopes: [codeId], pieces: day }))
        sketch.merge(visitors);
      return sketch.count();
    };
    await writer.write(partition.batch(0, EXACT_VISITORS));
    expect(await counted()).toBe(EXACT_VISITORS);
    for (let from = EXACT_VISITORS; from < 3000; from += 359)
      await writer.write(partition.batch(from, Math.min(3000, from + 359)));
    expect(Math.abs((await counted()) / 1000 - 1)).toBeLessThan(3 * 0.0163);
  });
});

describe('the rollups, for random scans, twins, batches and redeliveries', () => {
  const base = Date.UTC(2026, 2, 4, 22, 0);
  const scan = fc.record({
    at: fc.integer({ min: 0, max: 4 * 3_600_000 }).map((after) => new Date(base + after).toISOString()),
    outcome: fc.constantFrom(...SCAN_OUTCOMES),
    bot: fc.boolean(),
    preview: fc.boolean(),
    country: fc.option(fc.constantFrom('CH', 'DE', 'FR'), { nil: undefined }),
    referrerHost: fc.option(fc.constantFrom('a.example', 'b.example', ''), { nil: undefined }),
    visitor: fc.option(fc.constantFrom('v1', 'v2', 'v3', 'v4'), { nil: undefined }),
  });
  const log = fc.array(scan, { minLength: 1, maxLength: 60 }).chain((scans) =>
    fc.record({
      scans: fc.constant(scans),
      /** Which scan stands at each further offset: twins. */
      twins: fc.array(fc.nat({ max: scans.length - 1 }), { maxLength: 20 }),
      /** A delivery begins at or before where the last one ended, as any consumer of a log does. */
      deliveries: fc.array(fc.record({ back: fc.nat({ max: 10 }), size: fc.integer({ min: 1, max: 30 }) }), {
        maxLength: 12,
      }),
      from: fc.integer({ min: -10, max: 250 }),
      minutes: fc.integer({ min: 1, max: 260 }),
      interval: fc.constantFrom<Interval>('minute', 'hour', 'day'),
      timeZone: fc.constantFrom('UTC', 'Europe/Zurich', 'Asia/Kolkata', 'Asia/Kathmandu'),
    }),
  );

  it('equal a count over the distinct events, in every range', async () => {
    await fc.assert(
      fc.asyncProperty(log, async ({ scans, twins, deliveries, from, minutes, interval, timeZone }) => {
        const codeId = randomUUID();
        const events = scans.map((data) =>
          scanEvent(
            { workspaceId, codeId, os: undefined, browser: undefined, deviceType: undefined, ...data },
            newId(),
          ),
        ) as RecordedScan[];
        const twinned = twins.flatMap((index) => events[index] ?? []);
        const partition = new TestPartition([...events, ...twinned]);
        let position = 0;
        for (const { back, size } of [...deliveries, { back: 0, size: partition.events.length }]) {
          const start = Math.max(0, position - back);
          position = Math.max(position, Math.min(partition.events.length, start + size));
          if (position > start) await writer.write(partition.batch(start, position));
        }

        const range = {
          from: new Date(base + from * 60_000),
          to: new Date(base + (from + minutes) * 60_000),
          interval,
        };
        const expected = bruteForce(events, range.from, range.to);
        const { manager } = database.dataSource;
        const pieces = coverRange({ ...range, timeZone }, -Infinity);
        const counts = await readCounts(manager, { workspaceId, scopes: [codeId], pieces });
        const sum = (column: 'scans' | 'bots' | 'refused') => counts.reduce((total, row) => total + row[column], 0);
        expect({ scans: sum('scans'), bots: sum('bots'), refused: sum('refused') }).toEqual(expected.totals);
        const by = await readBreakdown(manager, {
          workspaceId,
          scopes: [codeId],
          pieces: coverWhole(range, -Infinity),
        });
        expect(new Map(by.map(({ dimension, value, scans: n }) => [`${dimension} ${value}`, n]))).toEqual(expected.by);
        const seen = new VisitorSketch();
        for (const { visitors } of await readVisitors(manager, { workspaceId, scopes: [codeId], pieces }))
          seen.merge(visitors);
        expect(seen.count()).toBe(expected.uniques);
        const raw = await query<{ id: string }>('SELECT id FROM analytics.scans WHERE code_id = $1', [codeId]);
        expect(raw.map(({ id }) => id).toSorted()).toEqual(events.map(({ id }) => id).toSorted());
      }),
      { numRuns: 60 },
    );
  });

  function bruteForce(events: readonly RecordedScan[], from: Date, to: Date) {
    const inside = events.filter(({ data }) => Date.parse(data.at) >= +from && Date.parse(data.at) < +to);
    const of = (counted: string) => inside.filter(({ data }) => classifyScan(data) === counted).map(({ data }) => data);
    const by = new Map<string, number>();
    const add = (key: string) => by.set(key, (by.get(key) ?? 0) + 1);
    for (const { data } of inside) if (!data.bot && !data.preview) add(`outcome ${data.outcome}`);
    for (const data of of('scan')) {
      if (data.country) add(`country ${data.country}`);
      if (data.referrerHost) add(`referrer ${data.referrerHost}`);
    }
    return {
      totals: { scans: of('scan').length, bots: of('bot').length, refused: of('refused').length },
      uniques: new Set(of('scan').flatMap(({ visitor }) => visitor ?? [])).size,
      by,
    };
  }
});

const withRoles = process.env['SIGNET_TEST_DATABASE_URL'] ? describe : describe.skip;
withRoles('the grants', () => {
  it('let the analytics role count, and no other service read', async () => {
    const codeId = randomUUID();
    const analytics = await database.as('signet_analytics');
    await new RollupWriter(analytics, clock).write(new TestPartition(someScans(codeId, 5)).batch());
    expect(await totalOf(codeId)).toEqual(all(5));
    for (const role of ['signet_enrollment', 'signet_redirect', 'signet_verification'] as const) {
      const other = await database.as(role);
      await expect(other.query('SELECT id FROM analytics.scans')).rejects.toThrow('permission denied');
    }
  });
});
