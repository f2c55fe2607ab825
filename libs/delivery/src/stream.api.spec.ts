import { randomUUID } from 'node:crypto';
import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { accessMigrations, AccessModule, AccessService } from '@signet/access';
import { auditMigrations } from '@signet/audit';
import { codesMigrations, CodesModule } from '@signet/codes';
import { dataSchemaUrn, topics, type StreamTopic } from '@signet/contracts';
import { newId } from '@signet/platform';
import { createTestApp, openTestPlatform, type TestPlatform } from '@signet/testing';
import { DeliveryModule } from './delivery.module.js';
import { SseReader } from './sse-frames.fixture.js';
import type { StreamLimits } from './stream-limits.js';

interface Stream {
  reader: SseReader;
  /** As a phone that loses its network. */
  cut(): unknown;
  /** Resolves when the server has ended it. */
  ended: Promise<void>;
  headers: IncomingMessage['headers'];
}

let platform: TestPlatform;
let app: NestFastifyApplication;
let base: string;
let admin: string;
let workspaceId: string;
const streams: Stream[] = [];

beforeAll(async () => {
  platform = await openTestPlatform([...auditMigrations, ...accessMigrations, ...codesMigrations]);
  await start();
  admin = (await app.get(AccessService).bootstrap()) ?? '';
  ({ workspaceId } = await call<{ workspaceId: string }>('GET', '/v1/whoami'));
});
afterEach(() => streams.splice(0).forEach((stream) => stream.cut()));
afterAll(async () => {
  await app.close();
  await platform.close();
});

async function start(limits: Partial<StreamLimits> = {}): Promise<void> {
  platform.metrics.clear();
  app = await createTestApp(platform, [
    AccessModule,
    CodesModule,
    DeliveryModule.limitedTo({ authorizeMilliseconds: 50, ...limits }),
  ]);
  await app.listen(0, '127.0.0.1');
  base = await app.getUrl();
}
async function restart(limits: Partial<StreamLimits> = {}): Promise<void> {
  await app.close();
  await start(limits);
}

interface Asked {
  method?: string;
  key?: string;
  lastEventId?: string;
  body?: object;
}
/** One connection a request: a pool's spare connections would be waited for when the server stops. */
function ask(path: string, { method = 'GET', key = admin, lastEventId, body }: Asked = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asking = request(base + path, { method, agent: false }, resolve).once('error', reject);
    if (key) asking.setHeader('authorization', `Bearer ${key}`);
    if (lastEventId) asking.setHeader('last-event-id', lastEventId);
    if (body) asking.setHeader('content-type', 'application/json');
    asking.end(body && JSON.stringify(body));
  });
}
async function call<Answer>(method: string, path: string, body?: object): Promise<Answer> {
  const answer = await text(await ask(path, { method, body }));
  return (answer ? JSON.parse(answer) : undefined) as Answer;
}

async function open(query = '', { key, lastEventId }: Asked = {}): Promise<Stream> {
  const response = await ask(`/v1/stream${query}`, { key, lastEventId });
  expect(response.statusCode).toBe(200);
  const reader = new SseReader();
  response.setEncoding('utf8').on('data', (chunk: string) => reader.take(chunk));
  response.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => response.once('close', () => resolve()));
  const stream = { reader, cut: () => response.destroy(), ended, headers: response.headers };
  streams.push(stream);
  await reader.event(({ type }) => type === 'hello');
  return stream;
}

interface Published {
  id: string;
  bytes: string;
}
function event(data: Record<string, unknown> = {}, type = 'scan.recorded'): Published {
  const id = newId();
  const time = '2026-03-04T05:06:07.890Z';
  const value = {
    specversion: '1.0',
    id,
    source: '/signet/redirect/test',
    type,
    time,
    datacontenttype: 'application/json',
    dataschema: dataSchemaUrn(type),
    sequence: '1',
    data: { workspaceId, codeId: randomUUID(), outcome: 'redirected', at: time, bot: false, preview: false, ...data },
  };
  return { id, bytes: JSON.stringify(value) };
}
async function publish(events: readonly Published[], topic: StreamTopic = 'scans'): Promise<void> {
  const records = events.map(({ id, bytes }) => ({ key: id, value: Buffer.from(bytes) }));
  await platform.eventLog.publish(topics[topic].name, records);
}
const ids = (stream: Stream): string[] =>
  stream.reader.recorded.map(({ data }) => (JSON.parse(data) as { id: string }).id);
const untilId = (stream: Stream, id: string | undefined) =>
  stream.reader.event(({ data }) => id !== undefined && data.includes(id));

describe('GET /v1/stream', () => {
  it('sends what is recorded from now on, as the bytes of the log, under the name of its type', async () => {
    await publish([event()]);
    const stream = await open();
    const scan = event({ city: 'Zürich' });
    await publish([scan]);
    const received = await untilId(stream, scan.id);
    expect(received.data).toBe(scan.bytes);
    expect(received.type).toBe('scan.recorded');
    expect(ids(stream)).toEqual([scan.id]);
    expect(stream.headers['content-type']).toBe('text/event-stream');
    expect(stream.headers['cache-control']).toBe('no-store');
  });

  it("never shows another workspace's events, nor those of nobody, nor what is no event", async () => {
    const stream = await open();
    const mine = event();
    await publish([
      event({ workspaceId: randomUUID() }),
      event({ workspaceId: undefined, codeId: undefined, outcome: 'not_found' }),
      { id: 'x', bytes: 'no JSON' },
      { id: 'y', bytes: JSON.stringify({ type: 'scan\nrecorded', data: { workspaceId } }) },
      mine,
    ]);
    await untilId(stream, mine.id);
    expect(ids(stream)).toEqual([mine.id]);
  });

  it('sends only the topics and the code that were asked for', async () => {
    const codeId = randomUUID();
    const all = await open('?topics=scans,verifications');
    const ofCode = await open(`?topics=scans,verifications&codeId=${codeId}`);
    const scansOnly = await open();
    const other = event();
    const verification = event({ codeId }, 'verification.accepted');
    const scan = event({ codeId });
    await publish([other]);
    await publish([verification], 'verifications');
    await untilId(all, verification.id);
    await publish([scan]);
    for (const stream of [all, ofCode, scansOnly]) await untilId(stream, scan.id);
    expect(ids(all).toSorted()).toEqual([other.id, verification.id, scan.id].toSorted());
    expect(ids(ofCode).toSorted()).toEqual([verification.id, scan.id].toSorted());
    expect(ids(scansOnly)).toEqual([other.id, scan.id]);
  });

  it('sends only the types that were asked for', async () => {
    const stream = await open('?topics=scans,verifications&types=scan.folded,verification.*');
    const accepted = event({}, 'verification.accepted');
    const folded = event({}, 'scan.folded');
    await publish([accepted], 'verifications');
    await untilId(stream, accepted.id);
    await publish([event(), folded]);
    await untilId(stream, folded.id);
    expect(ids(stream)).toEqual([accepted.id, folded.id]);
  });

  it('sends what concerns the codes of a tag, as they have it by then', async () => {
    const create = (tags: string[]) =>
      call<{ id: string }>('POST', '/v1/codes', { target: { url: 'https://example.org/' }, tags });
    const [menu, other] = [await create(['menu']), await create(['other'])];
    const stream = await open('?tag=menu');
    const [ofMenu, ofOther] = [event({ codeId: menu.id }), event({ codeId: other.id })];
    await publish([ofOther, ofMenu]);
    await untilId(stream, ofMenu.id);
    expect(ids(stream)).toEqual([ofMenu.id]);
    const later = await create(['menu']);
    const told = async (): Promise<boolean> => {
      const scan = event({ codeId: later.id });
      const control = event({ codeId: menu.id });
      await publish([scan, control]);
      await untilId(stream, control.id);
      return ids(stream).includes(scan.id);
    };
    while (!(await told()));
  });

  it('sends the windows of analytics as they stand, then their changes', async () => {
    const codeId = randomUUID();
    const windowOf = (scans: number): Published => event({ codeId, interval: 'hour', scans }, 'rollup.updated');
    const [first, second, third] = [windowOf(1), windowOf(2), windowOf(3)];
    const record = ({ bytes }: Published) => ({ key: `${codeId}|hour|x`, value: Buffer.from(bytes) });
    const live = await open(`?topics=analytics&codeId=${codeId}`);
    await platform.eventLog.publish(topics.analytics.name, [record(first), record(second)]);
    await untilId(live, second.id);
    const stream = await open(`?topics=analytics&codeId=${codeId}`);
    await untilId(stream, second.id);
    await platform.eventLog.publish(topics.analytics.name, [record(third)]);
    await untilId(stream, third.id);
    expect(ids(stream)).toEqual([second.id, third.id]);
  });

  it('gives 500 events over a restart of the server, none twice and none missing', async () => {
    const events = Array.from({ length: 500 }, (_, n) => event({ targetIndex: n }));
    const stream = await open();
    await publish(events.slice(0, 200));
    await stream.reader.until(() => stream.reader.recorded.length >= 120);
    await restart();
    await stream.ended;
    await publish(events.slice(200, 350));
    const again = await open('', { lastEventId: stream.reader.lastEventId });
    await publish(events.slice(350));
    await untilId(again, events.at(-1)?.id);
    expect([...ids(stream), ...ids(again)]).toEqual(events.map(({ id }) => id));
  });

  it('goes on after any event that a client saw last, without loss or repeat, also on a restarted process', async () => {
    const published: string[] = [];
    const received: string[] = [];
    let lastEventId = '';
    for (let round = 0; round < 12; round++) {
      if (round % 4 === 3) await restart();
      const stream = await open('?topics=scans,verifications', { lastEventId });
      lastEventId = stream.reader.events[0]?.id ?? '';
      for (let burst = 0; burst < 3; burst++) {
        const scans = [event(), event({ workspaceId: randomUUID() }), event()];
        const verification = event({}, 'verification.rejected');
        await publish(scans);
        await publish([verification], 'verifications');
        published.push(...[scans[0], scans[2], verification].flatMap((mine) => mine?.id ?? []));
      }
      const atLeast = Math.floor(Math.random() * 9);
      await stream.reader.until(() => stream.reader.recorded.length >= atLeast);
      stream.cut();
      const arrived = stream.reader.recorded.slice(0, atLeast);
      received.push(...arrived.map(({ data }) => (JSON.parse(data) as { id: string }).id));
      lastEventId = arrived.at(-1)?.id ?? lastEventId;
    }
    const last = await open(`?topics=scans,verifications&last_event_id=${lastEventId}`);
    await last.reader.until(() => last.reader.recorded.length >= published.length - received.length);
    expect([...received, ...ids(last)].toSorted()).toEqual(published.toSorted());
    expect(last.reader.events.some(({ type }) => type === 'gap')).toBe(false);
  });

  it.each([
    ['unreadable', 'not-a-cursor'],
    ['of another log', Buffer.from('{"log":"other","next":{"scans":{"0":3}}}').toString('base64url')],
  ])('answers a cursor that is %s with a gap and goes on from the earliest event', async (_what, lastEventId) => {
    const before = event();
    await publish([before]);
    const stream = await open('', { lastEventId });
    await untilId(stream, before.id);
    const types = stream.reader.events.map(({ type }) => type);
    expect(types.slice(0, 2)).toEqual(['hello', 'gap']);
    const gap = stream.reader.events[1];
    expect(JSON.parse(gap?.data ?? '')).toEqual({ earliest: gap?.id });
  });

  it('answers a cursor whose events are gone with a gap', async () => {
    await restart({ ring: { entries: 5, bytes: 1_000_000 }, backlog: 5 });
    const stream = await open();
    const cursor = stream.reader.lastEventId;
    const events = Array.from({ length: 20 }, () => event());
    await publish(events);
    const again = await open('', { lastEventId: cursor });
    await untilId(again, events.at(-1)?.id);
    expect(again.reader.events[1]?.type).toBe('gap');
    expect(ids(again)).toEqual(events.slice(-5).map(({ id }) => id));
    await restart();
  });

  it('ends with `unauthorized` when its key is revoked', async () => {
    const { id, key } = await call<{ id: string; key: string }>('POST', '/v1/api-keys', {
      name: 'dashboard',
      scopes: ['analytics:read'],
    });
    const stream = await open('', { key });
    const other = await open();
    await call('DELETE', `/v1/api-keys/${id}`);
    await stream.ended;
    expect(stream.reader.events.at(-1)?.type).toBe('unauthorized');
    const scan = event();
    await publish([scan]);
    await untilId(other, scan.id);
    expect(ids(stream)).toEqual([]);
  });

  it('ends with `shutdown` when Signet stops, which waits for no client', async () => {
    const stream = await open();
    await restart();
    await stream.ended;
    expect(stream.reader.events.at(-1)?.type).toBe('shutdown');
  });

  it('pings', async () => {
    await restart({ pingMilliseconds: 20 });
    const stream = await open();
    await stream.reader.until(() => stream.reader.comments.length >= 3);
    expect(new Set(stream.reader.comments)).toEqual(new Set(['ping']));
    await restart();
  });

  it('drops a client that reads nothing, tells the others everything and counts both', async () => {
    await restart({ bufferBytes: 50_000, pingMilliseconds: 200 });
    const { hostname, port } = new URL(base);
    const silent = connect(Number(port), hostname);
    silent.write(`GET /v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${admin}\r\n\r\n`);
    await new Promise((resolve) => silent.once('readable', resolve));
    const reading = await open();
    const closed = new Promise((resolve) => silent.once('close', resolve));
    const filler = 'x'.repeat(20_000);
    let last: string | undefined;
    const dropped = async (): Promise<boolean> =>
      /signet_stream_dropped_total\{[^}]*reason="slow"[^}]*\} 1/.test(await platform.metrics.metrics());
    while (!(await dropped())) {
      const events = Array.from({ length: 50 }, () => event({ referrerHost: filler }));
      await publish(events);
      last = events.at(-1)?.id;
      await untilId(reading, last);
    }
    silent.resume();
    silent.end();
    await closed;
    expect(await platform.metrics.metrics()).toMatch(/signet_stream_clients(\{[^}]*\})? 1\n/);
    await restart();
  });

  it('has a limit of streams, above which it is unavailable', async () => {
    await restart({ subscribers: 1 });
    await open();
    const refused = await ask('/v1/stream');
    expect(refused.statusCode).toBe(503);
    expect(refused.headers['retry-after']).toBe('10');
    expect(await text(refused)).toContain('urn:signet:problem:unavailable');
    await restart();
  });

  it('refuses a request without a key, without the scope or with unknown topics as a problem', async () => {
    const { key } = await call<{ key: string }>('POST', '/v1/api-keys', { name: 'other', scopes: ['codes:read'] });
    const status = async (query: string, token = ''): Promise<number | undefined> =>
      (await ask(`/v1/stream${query}`, { key: token })).statusCode;
    expect(await status('')).toBe(401);
    expect(await status('', key)).toBe(403);
    expect(await status('?topics=scans,secrets', admin)).toBe(422);
    expect(await status('?codeId=1', admin)).toBe(422);
    expect(await status('?types=scan', admin)).toBe(422);
  });

  it('answers HEAD without a stream', async () => {
    const response = await ask('/v1/stream', { method: 'HEAD' });
    expect(response.headers['content-type']).toBe('text/event-stream');
    expect(await text(response)).toBe('');
  });
});
