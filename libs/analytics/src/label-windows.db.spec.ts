import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Labels } from '@signet/codes';
import type { Code, Overview, ScanData } from '@signet/contracts';
import fc from 'fast-check';
import { readBreakdown, readCounts, readTopCodes, readVisitors } from './analytics.sql.js';
import { AnalyticsApp } from './analytics-app.fixture.js';
import { anonymiseScans } from './erasure.sql.js';
import { coverOf, LabelledCodes, type Cover } from './label-cover.js';
import { LabelWindows } from './label-windows.js';
import { replaceLabelWindows, settleWindow } from './label-windows.sql.js';
import { adoptLabels, LEAST_CODES, tryLockLabels } from './labels.sql.js';
import { RollupRebuild } from './rollup-rebuild.js';
import { RollupWriter } from './rollup-writer.js';
import { foldedEvent, scanEvent, TestPartition } from './scan-events.fixture.js';
import { coverRange, coverWhole, type Piece } from './time-range.js';
import { findTopCodes } from './top-codes.js';
import { VisitorSketch } from './visitor-sketch.js';

const NOW = '2026-03-30T12:30:00.000Z';
const DAY = 'from=2026-03-28T00:00:00Z&to=2026-03-29T00:00:00Z&interval=day';

const base = Date.parse('2026-03-26T00:00:00.000Z');

let analytics: AnalyticsApp;
let windows: LabelWindows;
const codes: string[] = [];

const scan = (code: number, at: string, data: Partial<ScanData> = {}) =>
  scanEvent({ workspaceId: analytics.workspaceId, codeId: codes[code % codes.length], at, ...data });
const write = (events: ReturnType<typeof scanEvent>[]) =>
  analytics.app.get(RollupWriter).write(new TestPartition(events).batch());
const overview = (query: string): Promise<Overview> => analytics.get(`/v1/analytics/overview?${DAY}&${query}`);
const query = <Row>(sql: string): Promise<Row[]> => analytics.platform.dataSource.query(sql);

async function settle(): Promise<void> {
  while (await windows.step());
}

async function relabel(code: number, labels: Partial<Code>): Promise<void> {
  const answer = await analytics.app.inject({
    method: 'PATCH',
    url: `/v1/codes/${codes[code % codes.length]}`,
    payload: labels,
    headers: { authorization: `Bearer ${analytics.admin}` },
  });
  expect(answer.statusCode).toBe(200);
}

beforeAll(async () => {
  analytics = await AnalyticsApp.open(NOW);
  windows = analytics.app.get(LabelWindows);
  for (let n = 0; n < LEAST_CODES + 5; n += 1)
    codes.push(
      await analytics.createCode({ tags: ['all', ...(n < 3 ? ['few'] : [])], folder: `Shop/${n % 2}`, campaign: 'c' }),
    );
});
afterAll(() => analytics.close());

describe('the windows of a label', () => {
  beforeEach(() => analytics.platform.clock.set(new Date(NOW)));

  it('are added up for labels that many codes have, a folder for those above it', async () => {
    await write([0, 1, 2].map((code) => scan(code, '2026-03-28T10:00:00.000Z')));
    await settle();
    const labels = await query<{ kind: string; value: string }>(
      'SELECT kind, value FROM analytics.labels ORDER BY kind, value',
    );
    expect(labels).toEqual([
      { kind: 'campaign', value: 'c' },
      { kind: 'folder', value: 'Shop' },
      { kind: 'tag', value: 'all' },
    ]);
    const rows = await query<{ interval: string; scans: number }>(
      `SELECT interval, scans::int FROM analytics.label_windows w JOIN analytics.labels l ON l.id = w.label_id
       WHERE l.value = 'all' ORDER BY interval`,
    );
    expect(rows).toEqual([
      { interval: 'day', scans: 3 },
      { interval: 'hour', scans: 3 },
    ]);
  });

  it('are what is answered, and their codes where they are not', async () => {
    await query(`UPDATE analytics.label_windows SET scans = scans + 1000`);
    expect((await overview('tag=all')).totals.scans).toBe(1003);
    expect((await overview('tag=few')).totals.scans).toBe(3);
    expect((await overview('tag=all&campaign=c')).totals.scans).toBe(3);
    await write([scan(0, '2026-03-28T10:00:00.000Z')]);
    expect((await overview('tag=all')).totals.scans).toBe(4);
    analytics.platform.clock.advance(11 * 60_000);
    await settle();
    expect((await overview('tag=all')).totals.scans).toBe(4);
  });

  it('are not asked about codes that came or went since, and are added up again with them', async () => {
    await query(`UPDATE analytics.label_windows SET scans = scans + 1000`);
    await relabel(0, { tags: [], folder: 'Shop/0' });
    expect((await overview('tag=all')).totals.scans).toBe(2);
    expect((await overview('folder=Shop')).totals.scans).toBe(1004);
    await settle();
    expect((await overview('tag=all')).totals.scans).toBe(2);
    expect((await overview('folder=Shop')).totals.scans).toBe(1004);
    await relabel(0, { tags: ['all'] });
    expect((await overview('tag=all')).totals.scans).toBe(4);
    await settle();
    expect((await overview('tag=all')).totals.scans).toBe(4);
  });

  it('are forgotten with a rebuild of their day', async () => {
    await analytics.app.get(RollupRebuild).rebuildDay(new Date('2026-03-28'));
    expect((await overview('folder=Shop')).totals.scans).toBe(4);
  });
});

describe('an answer from the windows of a label, whatever happened', () => {
  /** In the first minutes of few hours, so that windows are shared, and ranges of some minutes have scans, too. */
  const at = fc
    .tuple(fc.nat({ max: 2 }), fc.nat({ max: 4 }), fc.nat({ max: 5 * 60_000 }))
    .map(([day, hour, after]) => new Date(base + (day * 24 + hour) * 3_600_000 + after).toISOString());
  const code = fc.nat({ max: LEAST_CODES + 4 }).map((n) => Math.floor(n ** 2 / 60));
  const event = fc.record({
    code,
    at,
    visitor: fc.nat({ max: 300 }).map((n) => `v${n}`),
    country: fc.constantFrom('CH', 'DE', undefined),
    outcome: fc.constantFrom('redirected', 'revoked', 'interstitial'),
    bot: fc.boolean(),
  });
  const step = fc.oneof(
    fc.record({ scans: fc.array(event, { minLength: 1, maxLength: 30 }) }),
    fc.record({ folded: code, at }),
    fc.record({
      relabelled: code,
      tags: fc.subarray(['all', 'few', 'x']),
      folder: fc.constantFrom('Shop', 'Shop/0', 'Else'),
    }),
    fc.record({ rebuilt: at }),
    fc.record({ erased: code }),
    fc.record({ settled: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ settled: fc.constant(40) }),
  );

  async function take(action: typeof step extends fc.Arbitrary<infer Step> ? Step : never): Promise<void> {
    if ('scans' in action) await write(action.scans.map(({ code: n, at: time, ...data }) => scan(n, time, data)));
    else if ('folded' in action) {
      const { workspaceId } = analytics;
      const hour = `${action.at.slice(0, 13)}:00:00.000Z`;
      await write([
        foldedEvent({ workspaceId, codeId: codes[action.folded] ?? '', outcome: 'redirected', hour, count: 3 }),
      ]);
    } else if ('relabelled' in action) await relabel(action.relabelled, { tags: action.tags, folder: action.folder });
    else if ('rebuilt' in action) await analytics.app.get(RollupRebuild).rebuildDay(new Date(action.rebuilt));
    else if ('erased' in action)
      await anonymiseScans(analytics.platform.dataSource.manager, [codes[action.erased] ?? '']);
    else {
      analytics.platform.clock.advance(11 * 60_000);
      for (let n = 0; n < action.settled && (await windows.step()); n += 1);
    }
  }

  async function answer(cover: Cover, pieces: readonly Piece[], buckets: readonly Piece[]) {
    const { manager } = analytics.platform.dataSource;
    const counts = await readCounts(manager, await cover(buckets));
    const visitors = new VisitorSketch();
    for (const one of await readVisitors(manager, await cover(buckets))) visitors.merge(one.visitors);
    return {
      counts: counts.toSorted((a, b) => a.at.getTime() - b.at.getTime()),
      visitors: visitors.count(),
      by: await readBreakdown(manager, await cover(pieces)),
    };
  }

  /** As if there were many more codes than are listed. */
  async function shortenLists(most: number): Promise<void> {
    for (const table of ['label_windows', 'settled_windows'])
      await query(
        `UPDATE analytics.${table} SET top_codes = top_codes[1:${most}], top_scans = top_scans[1:${most}],
           others_most = top_scans[${most + 1}] WHERE cardinality(top_scans) > ${most}`,
      );
  }

  it('is that of its codes', async () => {
    const range = fc.record({
      from: fc.tuple(fc.integer({ min: -1, max: 71 }), fc.nat({ max: 4 })).map(([hour, minute]) => hour * 60 + minute),
      minutes: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5000 })),
      interval: fc.constantFrom('hour', 'day'),
      timeZone: fc.constantFrom('UTC', 'Europe/Zurich', 'Asia/Kolkata'),
      top: fc.integer({ min: 1, max: 12 }),
      labels: fc.constantFrom<Labels>({ tag: 'all' }, { folder: 'Shop' }, { campaign: 'c' }, { tag: 'few' }),
    });
    const { workspaceId } = analytics;
    let settledPieces = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 8 }),
        range,
        async (steps, { from, minutes, top, labels, ...grid }) => {
          for (const action of steps) await take(action);
          const { manager } = analytics.platform.dataSource;
          const time = {
            from: new Date(base + from * 60_000),
            to: new Date(base + (from + minutes) * 60_000),
            ...grid,
          };
          const [pieces, buckets] = [coverWhole(time, -Infinity), coverRange(time, -Infinity)];
          const labelled = await LabelledCodes.count(manager, workspaceId, labels);
          const cover = await labelled.cover();
          const codesOfLabel = await labelled.ids();
          settledPieces += (await cover(pieces)).label?.pieces.length ?? 0;
          expect(await answer(cover, pieces, buckets)).toEqual(
            await answer(coverOf(workspaceId, codesOfLabel), pieces, buckets),
          );

          const whole = coverWhole(time, Infinity);
          await shortenLists(1 + (from & 3));
          const question = { workspaceId, pieces: whole, top };
          expect(await findTopCodes(manager, { ...question, labelled: { codes: labelled, cover } })).toEqual(
            await readTopCodes(manager, { ...question, codes: codesOfLabel }),
          );
          expect(await findTopCodes(manager, question)).toEqual(await readTopCodes(manager, question));
        },
      ),
      { numRuns: 60 },
    );
    expect(settledPieces).toBeGreaterThan(10);
  });
});

const withRoles = process.env['SIGNET_TEST_DATABASE_URL'] ? describe : describe.skip;
withRoles('the grants', () => {
  it('let the analytics role add up and ask', async () => {
    const { workspaceId, platform } = analytics;
    const due = { interval: 'hour', bucket: new Date('2026-03-29T10:00:00Z'), labels: null } as const;
    const none = { codes: [], othersMost: 0 };
    await platform.dataSource.transaction(async (manager) => {
      await manager.query('SET LOCAL ROLE signet_analytics');
      await tryLockLabels(manager);
      await adoptLabels(manager, workspaceId);
      await replaceLabelWindows(manager, { workspaceId, due, windows: [] });
      await settleWindow(manager, { workspaceId, due, counted: 0, top: none, at: new Date(NOW) });
      const codesOfLabel = await LabelledCodes.count(manager, workspaceId, { folder: 'Shop' });
      const cover = await codesOfLabel.cover();
      const pieces = [{ grain: 'hour' as const, from: base, to: base + 3_600_000 }];
      await findTopCodes(manager, { workspaceId, labelled: { codes: codesOfLabel, cover }, pieces, top: 1 });
    });
  });
});
