import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CodeAnalytics, Overview, Problem, Reconciliation, Scan, ScanData } from '@signet/contracts';
import { newId } from '@signet/platform';
import { AnalyticsApp } from './analytics-app.fixture.js';
import { foldedEvent, guessingEvent, scanEvent } from './scan-events.fixture.js';

const NOW = '2026-03-30T12:30:00.000Z';

let analytics: AnalyticsApp;
const codes: Record<'menu' | 'poster' | 'flyer' | 'old', string> = { menu: '', poster: '', flyer: '', old: '' };

let sequence = 0;
const source = `/signet/redirect/${newId()}`;
/** The next event of one journal. */
const journaled = (data: Partial<ScanData>) => ({
  ...scanEvent({ workspaceId: analytics.workspaceId, at: NOW, ...data }),
  source,
  sequence: String((sequence += 1)),
});

beforeAll(async () => {
  analytics = await AnalyticsApp.open(NOW);
  codes.menu = await analytics.createCode({ tags: ['food', 'print'], folder: 'Shop', campaign: 'spring' });
  codes.poster = await analytics.createCode({ tags: ['print'], folder: 'Shop/Winter', campaign: 'spring' });
  codes.flyer = await analytics.createCode({ tags: ['print'], folder: 'Shopping' });
  codes.old = await analytics.createCode({ tags: ['food'] });
  const { menu, poster, flyer, old } = codes;
  await analytics.record('scans', [
    // Zurich's clocks go forward on 2026-03-29 at 01:00 UTC, so that its 29th is 2026-03-28T23:00Z to 2026-03-29T22:00Z.
    journaled({ codeId: menu, at: '2026-03-28T22:59:00.000Z', visitor: 'a' }),
    journaled({ codeId: menu, at: '2026-03-28T23:00:00.000Z', visitor: 'a' }),
    journaled({ codeId: menu, at: '2026-03-29T21:59:00.000Z', visitor: 'b', targetIndex: 1 }),
    journaled({ codeId: menu, at: '2026-03-29T22:00:00.000Z', visitor: 'b', targetIndex: 1 }),
    journaled({ codeId: poster, at: '2026-03-29T10:00:00.000Z', visitor: 'a', country: 'DE' }),
    journaled({ codeId: flyer, at: '2026-03-29T10:00:00.000Z', visitor: 'c' }),
    journaled({ codeId: flyer, at: '2026-03-20T10:00:00.000Z', visitor: 'd' }),
    journaled({ codeId: old, at: '2026-03-29T10:00:00.000Z', visitor: 'e', outcome: 'revoked' }),
  ]);
});
afterAll(() => analytics.close());

const range = 'from=2026-03-28T00:00:00Z&to=2026-03-31T00:00:00Z&interval=day';
const overview = (query: string): Promise<Overview> => analytics.get(`/v1/analytics/overview?${query}`);

describe('GET /v1/analytics/overview', () => {
  it('counts a visitor of two codes once, and names the codes that were scanned most', async () => {
    const { totals, by, topCodes } = await overview(range);
    expect(totals).toEqual({ scans: 6, uniques: 3, bots: 0, refused: 1 });
    expect(by.country).toEqual([
      { value: 'CH', scans: 5 },
      { value: 'DE', scans: 1 },
    ]);
    expect(by.target).toEqual([{ value: '1', scans: 2 }]);
    expect(topCodes[0]).toEqual({ codeId: codes.menu, scans: 4 });
    expect(topCodes).toHaveLength(3);
    expect((await overview(`${range}&top=1`)).topCodes).toHaveLength(1);
  });

  it('names the codes that were scanned most in an hour that is not over', async () => {
    const codeId = await analytics.createCode();
    await analytics.record('scans', [journaled({ codeId, at: '2026-02-01T10:10:00.000Z' })]);
    const { topCodes } = await overview('from=2026-02-01T10:00:00Z&to=2026-02-01T10:20:00Z&interval=minute');
    expect(topCodes).toEqual([{ codeId, scans: 1 }]);
  });

  it.each([
    ['tag=print', { scans: 6, uniques: 3, refused: 0 }, 3],
    ['tag=food', { scans: 4, uniques: 2, refused: 1 }, 1],
    ['folder=Shop', { scans: 5, uniques: 2, refused: 0 }, 2],
    ['campaign=spring&tag=food', { scans: 4, uniques: 2, refused: 0 }, 1],
    ['domain=go.example', { scans: 0, uniques: 0, refused: 0 }, 0],
    ["tag=it's%25", { scans: 0, uniques: 0, refused: 0 }, 0],
  ])('counts the codes with %s alone', async (filter, expected, top) => {
    const { totals, topCodes } = await overview(`${range}&${filter}`);
    expect(totals).toEqual({ bots: 0, ...expected });
    expect(topCodes).toHaveLength(top);
  });

  it('cuts days where the clocks of the time zone do, also on a day of 23 hours', async () => {
    const days = async (zone: string) =>
      (await overview(`${range}&tag=food&timeZone=${zone}`)).series.map(({ t, scans }) => [t.slice(0, 16), scans]);
    expect(await days('Europe/Zurich')).toEqual([
      ['2026-03-27T23:00', 1],
      ['2026-03-28T23:00', 2],
      ['2026-03-29T22:00', 1],
      ['2026-03-30T22:00', 0],
    ]);
    expect(await days('Asia/Kolkata')).toEqual([
      ['2026-03-27T18:30', 0],
      ['2026-03-28T18:30', 2],
      ['2026-03-29T18:30', 2],
      ['2026-03-30T18:30', 0],
    ]);
  });

  it('compares with the time of the same length just before', async () => {
    const { totals, previous } = await overview(
      'from=2026-03-26T12:00:00Z&to=2026-03-30T12:00:00Z&interval=day&compare=previous',
    );
    expect(totals.scans).toBe(6);
    expect(previous).toMatchObject({ from: '2026-03-22T12:00:00.000Z', to: '2026-03-26T12:00:00.000Z' });
    const before = await overview('from=2026-03-25T00:00:00Z&to=2026-03-30T12:30:00Z&interval=day&compare=previous');
    expect(before.previous?.totals).toEqual({ scans: 1, uniques: 1, bots: 0, refused: 0 });
    expect(before.previous?.series.reduce((sum, { scans }) => sum + scans, 0)).toBe(1);
  });

  it.each([
    ['timeZone=Mars/Olympus', 'query.timeZone'],
    ['compare=next', 'query.compare'],
    ['top=101', 'query.top'],
    ['tag=', 'query.tag'],
    ['code=1', 'query.code'],
  ])('refuses %s as a 422 that names %s', async (query, path) => {
    const answer = await analytics.inject(`/v1/analytics/overview?${query}`);
    expect(answer.statusCode).toBe(422);
    expect(answer.json<Problem>().errors?.map((error) => error.path)).toContain(path);
  });

  it("tells another workspace nothing of this one's codes", async () => {
    const created = await analytics.app.inject({
      method: 'POST',
      url: '/v1/workspaces',
      payload: { name: 'other' },
      headers: { authorization: `Bearer ${analytics.admin}` },
    });
    const { key } = created.json<{ key: string }>();
    const other = await analytics.get<Overview>(`/v1/analytics/overview?${range}&tag=print`, key);
    expect(other.totals.scans).toBe(0);
    expect(other.topCodes).toEqual([]);
  });

  it('adds up to what its codes have each', async () => {
    const each = await Promise.all(
      Object.values(codes).map((id) => analytics.get<CodeAnalytics>(`/v1/analytics/codes/${id}?${range}`)),
    );
    const { totals } = await overview(range);
    expect(each.reduce((sum, code) => sum + code.totals.scans, 0)).toBe(totals.scans);
    expect(each.reduce((sum, code) => sum + code.totals.refused, 0)).toBe(totals.refused);
  });
});

describe('GET /v1/scans/export', () => {
  it('is every scan that the list has, oldest first, as NDJSON', async () => {
    const answer = await analytics.inject(`/v1/scans/export?codeId=${codes.menu}`);
    expect(answer.headers['content-type']).toBe('application/x-ndjson');
    const rows = answer.body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Scan);
    const { items } = await analytics.get<{ items: Scan[] }>(`/v1/scans?codeId=${codes.menu}`);
    expect(rows).toEqual(items.toReversed());
  });

  it('is read page by page, without a row twice or missing', async () => {
    const codeId = await analytics.createCode();
    const at = (n: number) => new Date(Date.parse('2026-03-10T00:00:00Z') + Math.floor(n / 3)).toISOString();
    await analytics.record(
      'scans',
      Array.from({ length: 2500 }, (_, n) => journaled({ codeId, at: at(n) })),
    );
    const { body } = await analytics.inject(`/v1/scans/export?codeId=${codeId}`);
    const ids = body
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as Scan).id);
    expect([ids.length, new Set(ids).size]).toEqual([2500, 2500]);
  });

  it('is a CSV whose texts no spreadsheet takes for formulas', async () => {
    const codeId = await analytics.createCode();
    await analytics.record('scans', [
      journaled({ codeId, city: '=cmd()', region: 'a "b", c', referrerHost: 'x.example' }),
    ]);
    const answer = await analytics.inject(`/v1/scans/export?codeId=${codeId}&format=csv`);
    expect(answer.headers['content-type']).toContain('text/csv');
    const [head = '', row = ''] = answer.body.split('\r\n');
    expect(head.split(',').slice(0, 3)).toEqual(['id', 'workspaceId', 'codeId']);
    expect(row).toContain(`,"a ""b"", c",'=cmd(),`);
  });

  it('of nothing is empty', async () => {
    const answer = await analytics.inject('/v1/scans/export?to=2020-01-01T00:00:00Z');
    expect([answer.statusCode, answer.body]).toEqual([200, '']);
  });
});

describe('GET /v1/analytics/reconcile', () => {
  const reconcile = (from: string, to: string): Promise<Reconciliation> =>
    analytics.get(`/v1/analytics/reconcile?from=${from}&to=${to}`);

  it('says that journal, raw scans and rollups of every hour are the same', async () => {
    const codeId = await analytics.createCode();
    const at = (minute: number) => `2026-03-15T08:${String(minute).padStart(2, '0')}:00.000Z`;
    const folded = {
      ...foldedEvent({ workspaceId: analytics.workspaceId, codeId, outcome: 'redirected', hour: at(0), count: 5 }),
      source,
      sequence: String((sequence += 1)),
    };
    // No scan, and a number of the journal.
    const { workspaceId } = analytics;
    const limit = { count: 31, limit: 30, windowSeconds: 60, from: at(0), to: at(1) };
    const guessing = {
      ...guessingEvent({ kind: 'claim', workspaceId, codeId, ip: '203.0.113.0', ...limit }),
      source,
      sequence: String((sequence += 1)),
    };
    const scans = [1, 2, 59].map((minute) => journaled({ codeId, at: at(minute) }));
    await analytics.record('scans', [folded, guessing, ...scans]);
    const answer = await reconcile('2026-03-15T08:10:00Z', '2026-03-15T09:00:00Z');
    expect(answer).toEqual({
      from: '2026-03-15T08:00:00.000Z',
      to: '2026-03-15T09:00:00.000Z',
      ok: true,
      lag: 0,
      hours: [
        {
          t: '2026-03-15T08:00:00.000Z',
          ok: true,
          journaled: 5,
          missing: 0,
          raw: 8,
          codes: 8,
          workspace: 8,
          minutes: 8,
        },
      ],
    });
  });

  it('says in which hour something never arrived, or was counted otherwise', async () => {
    const codeId = await analytics.createCode();
    const first = journaled({ codeId, at: '2026-03-16T08:00:00.000Z' });
    sequence += 2;
    await analytics.record('scans', [
      first,
      journaled({ codeId, at: '2026-03-16T09:00:00.000Z' }),
      journaled({ codeId, at: '2026-03-16T10:00:00.000Z' }),
    ]);
    await analytics.platform.dataSource.query(
      `UPDATE analytics.rollups_hour SET scans = scans + 1 WHERE scope_id = $1 AND bucket = '2026-03-16T10:00:00Z'`,
      [codeId],
    );
    const { ok, hours } = await reconcile('2026-03-16T00:00:00Z', '2026-03-17T00:00:00Z');
    expect(ok).toBe(false);
    expect(
      hours.map(({ t, ok: isOk, missing, raw, codes: counted }) => [t.slice(11, 13), isOk, missing, raw, counted]),
    ).toEqual([
      ['08', true, 0, 1, 1],
      ['09', false, 2, 1, 1],
      ['10', false, 0, 1, 2],
    ]);
  });

  it('refuses more than it can look through', async () => {
    expect((await analytics.inject('/v1/analytics/reconcile?from=2026-03-01T00:00:00Z')).statusCode).toBe(422);
  });
});
