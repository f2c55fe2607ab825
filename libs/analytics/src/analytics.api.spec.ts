import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { accessMigrations, AccessModule, AccessService } from '@signet/access';
import { auditMigrations } from '@signet/audit';
import { codesMigrations, CodesModule } from '@signet/codes';
import { topics, type Code, type CodeAnalytics, type Problem, type Scan, type ScanData } from '@signet/contracts';
import { consumeEvents, newId } from '@signet/platform';
import { privacyMigrations } from '@signet/privacy';
import { createTestApp, openTestPlatform, type TestPlatform } from '@signet/testing';
import { analyticsMigrations } from './analytics.migrations.js';
import { AnalyticsModule } from './analytics.module.js';
import { ANALYTICS_GROUP } from './rollup-writer.js';
import { foldedEvent, scanEvent } from './scan-events.fixture.js';

const NOW = '2026-03-04T12:34:56.000Z';

let platform: TestPlatform;
let app: NestFastifyApplication;
let admin: string;
let workspaceId: string;

beforeAll(async () => {
  platform = await openTestPlatform([
    ...auditMigrations,
    ...accessMigrations,
    ...codesMigrations,
    ...privacyMigrations,
    ...analyticsMigrations,
  ]);
  platform.clock.set(new Date(NOW));
  app = await createTestApp(platform, [AccessModule, CodesModule, AnalyticsModule]);
  const { eventLog, logger, metrics } = platform;
  consumeEvents(app, { eventLog, group: ANALYTICS_GROUP, logger, metrics });
  await app.startAllMicroservices();
  admin = (await app.get(AccessService).bootstrap()) ?? '';
  ({ workspaceId } = await get<{ workspaceId: string }>('/v1/whoami'));
});
afterAll(async () => {
  await app.close();
  await platform.close();
});

const inject = (url: string, key = admin) => app.inject({ url, headers: { authorization: `Bearer ${key}` } });
const get = async <Answer>(url: string, key = admin): Promise<Answer> => (await inject(url, key)).json();
async function post<Answer>(url: string, payload: object): Promise<Answer> {
  const answer = await app.inject({ method: 'POST', url, payload, headers: { authorization: `Bearer ${admin}` } });
  expect(answer.statusCode).toBe(201);
  return answer.json();
}
const createCode = async (): Promise<string> =>
  (await post<Code>('/v1/codes', { target: { url: 'https://example.org/' } })).id;

async function publish(events: readonly object[]): Promise<void> {
  const records = events.map((event) => ({ key: 'k', value: Buffer.from(JSON.stringify(event)) }));
  await platform.eventLog.publish(topics.scans.name, records);
}
/** Publishes and waits until the group has committed everything. */
async function record(events: readonly object[]): Promise<void> {
  await publish(events);
  for (;;) {
    const lags = await platform.eventLog.lag(ANALYTICS_GROUP, [topics.scans.name]);
    if (lags.every(({ lag }) => lag === 0)) return;
    await delay(5);
  }
}
const scans = (codeId: string, ...list: Partial<ScanData>[]) =>
  list.map((data) => scanEvent({ workspaceId, codeId, at: NOW, ...data }));

describe('GET /v1/analytics/codes/{id}', () => {
  it('counts people, visitors, bots and refusals as the contract defines them', async () => {
    const codeId = await createCode();
    await record([
      ...scans(
        codeId,
        { visitor: 'a', country: 'CH' },
        { visitor: 'a', country: 'CH', outcome: 'claimed' },
        { visitor: 'b', country: 'DE', outcome: 'page', referrerHost: 'news.example' },
        { visitor: 'c', country: undefined, outcome: 'file', os: 'Android', browser: 'Chrome', city: 'Bern' },
        { visitor: 'd', outcome: 'interstitial', country: 'FR' },
        { visitor: 'e', outcome: 'revoked' },
        { visitor: 'e', outcome: 'expired' },
        { visitor: 'f', bot: true, deviceType: 'bot' },
        { visitor: 'g', preview: true, outcome: 'interstitial' },
        { bot: true, outcome: 'revoked' },
      ),
      foldedEvent({ workspaceId, codeId, outcome: 'redirected', hour: '2026-03-04T11:00:00.000Z', count: 5 }),
    ]);
    const { totals, by } = await get<CodeAnalytics>(`/v1/analytics/codes/${codeId}`);
    expect(totals).toEqual({ scans: 9, uniques: 3, bots: 3, refused: 2 });
    expect(by).toEqual({
      outcome: [
        { value: 'redirected', scans: 6 },
        { value: 'claimed', scans: 1 },
        { value: 'expired', scans: 1 },
        { value: 'file', scans: 1 },
        { value: 'interstitial', scans: 1 },
        { value: 'page', scans: 1 },
        { value: 'revoked', scans: 1 },
      ],
      country: [
        { value: 'CH', scans: 2 },
        { value: 'DE', scans: 1 },
      ],
      city: [{ value: 'Bern', scans: 1 }],
      device: [{ value: 'phone', scans: 4 }],
      os: [
        { value: 'iOS', scans: 3 },
        { value: 'Android', scans: 1 },
      ],
      browser: [
        { value: 'Safari', scans: 3 },
        { value: 'Chrome', scans: 1 },
      ],
      language: [],
      referrer: [{ value: 'news.example', scans: 1 }],
      target: [],
    });
  });

  it('answers a zero-filled series aligned to UTC, up to now by default', async () => {
    const codeId = await createCode();
    await record(
      scans(
        codeId,
        { at: '2026-03-02T12:00:00.000Z', visitor: 'a' },
        { at: '2026-03-04T11:59:59.999Z', visitor: 'b' },
        { at: '2026-03-04T12:34:55.000Z', visitor: 'b' },
        { at: '2026-03-04T12:34:56.000Z', visitor: 'c' },
      ),
    );
    const hourly = await get<CodeAnalytics>(`/v1/analytics/codes/${codeId}`);
    expect(hourly.series).toHaveLength(49);
    expect(hourly.series.at(0)).toEqual({ t: '2026-03-02T12:00:00.000Z', scans: 1, uniques: 1 });
    expect(hourly.series.at(1)).toEqual({ t: '2026-03-02T13:00:00.000Z', scans: 0, uniques: 0 });
    expect(hourly.series.slice(-2)).toEqual([
      { t: '2026-03-04T11:00:00.000Z', scans: 1, uniques: 1 },
      { t: '2026-03-04T12:00:00.000Z', scans: 2, uniques: 2 },
    ]);
    const daily = await get<CodeAnalytics>(`/v1/analytics/codes/${codeId}?interval=day`);
    expect(daily.series).toHaveLength(31);
    expect(daily.series.at(-1)).toEqual({ t: '2026-03-04T00:00:00.000Z', scans: 3, uniques: 2 });
    expect(daily.totals).toEqual({ scans: 4, uniques: 3, bots: 0, refused: 0 });
    const minutely = await get<CodeAnalytics>(`/v1/analytics/codes/${codeId}?interval=minute`);
    expect(minutely.series.at(-1)).toEqual({ t: '2026-03-04T12:34:00.000Z', scans: 2, uniques: 2 });
    expect(minutely.totals.scans).toBe(3);
  });

  it('answers the asked range alone: from inclusive, to exclusive', async () => {
    const codeId = await createCode();
    await record(
      scans(
        codeId,
        { at: '2026-03-04T08:29:59.999Z', country: 'AT' },
        { at: '2026-03-04T08:30:00.000Z', country: 'CH' },
        { at: '2026-03-04T09:15:00.000Z', country: 'DE' },
        { at: '2026-03-04T10:29:59.999Z', country: 'FR' },
        { at: '2026-03-04T10:30:00.000Z', country: 'IT' },
      ),
    );
    for (const interval of ['minute', 'hour', 'day']) {
      const { totals, series, by } = await get<CodeAnalytics>(
        `/v1/analytics/codes/${codeId}?interval=${interval}&from=2026-03-04T09:30:00%2B01:00&to=2026-03-04T10:30:00Z`,
      );
      expect(totals.scans).toBe(3);
      expect(series.reduce((sum, bucket) => sum + bucket.scans, 0)).toBe(3);
      expect(by.country.map(({ value }) => value)).toEqual(['CH', 'DE', 'FR']);
    }
  });

  it('answers the first 200 values of a dimension and the rest as (other)', async () => {
    const codeId = await createCode();
    const rare = Array.from({ length: 205 }, (_, index) => ({ city: `City ${String(index).padStart(3, '0')}` }));
    await record(scans(codeId, ...rare, { city: 'City 204' }, { city: 'City 204' }));
    const { by } = await get<CodeAnalytics>(`/v1/analytics/codes/${codeId}`);
    expect(by.city).toHaveLength(201);
    expect(by.city.at(0)).toEqual({ value: 'City 204', scans: 3 });
    expect(by.city.at(-1)).toEqual({ value: '(other)', scans: 5 });
  });

  it.each([
    ['from=2026-03-04T10:00:00Z&to=2026-03-04T10:00:00Z', 'query.from'],
    ['from=2026-03-05T10:00:00Z', 'query.from'],
    ['from=2026-01-01T00:00:00Z&interval=minute', 'query.from'],
    ['interval=week', 'query.interval'],
    ['to=yesterday', 'query.to'],
    ['since=1', 'query.since'],
  ])('refuses %s as a 422 that names %s', async (query, path) => {
    const answer = await inject(`/v1/analytics/codes/${await createCode()}?${query}`);
    expect(answer.statusCode).toBe(422);
    expect(answer.json<Problem>().errors?.map((error) => error.path)).toContain(path);
  });

  it("does not know another workspace's code", async () => {
    const codeId = await createCode();
    const { key } = await post<{ key: string }>('/v1/workspaces', { name: 'other' });
    expect((await inject(`/v1/analytics/codes/${codeId}`, key)).statusCode).toBe(404);
    expect((await inject(`/v1/analytics/codes/${newId()}`)).statusCode).toBe(404);
  });
});

describe('GET /v1/scans', () => {
  interface Page {
    items: Scan[];
    nextCursor: string | null;
  }
  async function pages(query: string): Promise<Scan[][]> {
    const all: Scan[][] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: Page = await get<Page>(`/v1/scans?${query}${cursor && `&cursor=${cursor}`}`);
      all.push(page.items);
      cursor = page.nextCursor;
    }
    return all;
  }

  it('lists the scans newest first, as they were recorded, a page at a time', async () => {
    const codeId = await createCode();
    const at = (minute: number) => `2026-03-04T10:0${minute}:00.000Z`;
    const events = [...scans(codeId, { at: at(1) }, { at: at(3) }, { at: at(2) }, { at: at(3) }, { at: at(3) })];
    await record(events);
    const listed = await pages(`codeId=${codeId}&limit=2`);
    expect(listed.map((page) => page.length)).toEqual([2, 2, 1]);
    const expected = events
      .map(({ id, data }) => ({ ...data, id }) as Scan)
      .toSorted((a, b) => (a.at === b.at ? (a.id < b.id ? 1 : -1) : a.at < b.at ? 1 : -1));
    expect(listed.flat()).toEqual(expected.map((scan) => JSON.parse(JSON.stringify(scan)) as Scan));
  });

  it('filters by code and time', async () => {
    const [one, other] = [await createCode(), await createCode()];
    await record([
      ...scans(one, { at: '2026-03-03T10:00:00.000Z' }, { at: '2026-03-03T11:00:00.000Z' }),
      ...scans(other, { at: '2026-03-03T10:30:00.000Z' }),
    ]);
    const range = 'from=2026-03-03T10:00:00Z&to=2026-03-03T11:00:00Z';
    const codes = async (query: string) => (await pages(query)).flat().map(({ codeId }) => codeId);
    expect(await codes(range)).toEqual([other, one]);
    expect(await codes(`${range}&codeId=${one}`)).toEqual([one]);
  });

  it("shows neither another workspace's scans nor nobody's", async () => {
    const codeId = await createCode();
    await record([...scans(codeId, {}), scanEvent({ outcome: 'not_found', slug: 'typo' })]);
    const { key } = await post<{ key: string }>('/v1/workspaces', { name: 'third' });
    expect(await get(`/v1/scans`, key)).toEqual({ items: [], nextCursor: null });
    expect((await pages('limit=200')).flat().every((scan) => scan.workspaceId === workspaceId)).toBe(true);
  });

  it('refuses a cursor that it has not given', async () => {
    expect((await inject('/v1/scans?cursor=abc')).statusCode).toBe(400);
  });
});

describe('the consumer', () => {
  it('counts on when a record is no event, and what was written twice once', async () => {
    const codeId = await createCode();
    const twice = scans(codeId, {}, {});
    await publish(twice);
    await platform.eventLog.publish(topics.scans.name, [{ key: 'k', value: Buffer.from('{"no":"event"}') }]);
    await record([...twice, ...scans(codeId, {})]);
    expect((await get<CodeAnalytics>(`/v1/analytics/codes/${codeId}`)).totals.scans).toBe(3);
  });

  it('tells what it counted, what came again and how far it is behind', async () => {
    const metrics = await platform.metrics.metrics();
    const value = (name: string): number => Number(new RegExp(`^${name}(?:\\{.*\\})? (.+)$`, 'm').exec(metrics)?.[1]);
    expect(value('signet_rollup_events_total')).toBeGreaterThan(200);
    expect(value('signet_rollup_duplicates_total')).toBe(2);
    expect(value('signet_consumer_lag')).toBe(0);
  });
});
