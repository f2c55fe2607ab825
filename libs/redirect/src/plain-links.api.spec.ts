import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import { accessMigrations, AccessModule, AccessService } from '@signet/access';
import { auditMigrations } from '@signet/audit';
import { CodesModule, codesMigrations } from '@signet/codes';
import { CodeSchema, ScanEventSchema, topics, type ScanEvent } from '@signet/contracts';
import type { RecordBatch } from '@signet/platform';
import { scansMigrations } from '@signet/scans';
import { createTestApp, openTestPlatform, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import fc from 'fast-check';
import { RedirectModule } from './redirect.module.js';
import { readSimpleRequest } from './simple-request.js';

const TARGET = 'https://example.org/größe';
const PHONE =
  'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36';
const FORWARDED = {
  'user-agent': PHONE,
  'x-forwarded-for': '203.0.113.77, 127.0.0.9',
  'cf-ipcountry': 'DE',
  'accept-language': 'de-CH,de;q=0.9',
  referer: 'https://news.example/a?b',
};

/** Node's own reading of what is one request at most. */
const parser = createServer();
async function parsedByNode(text: string): Promise<object | undefined> {
  const seen: object[] = [];
  parser.once('request', ({ method, url, headers }: IncomingMessage) =>
    seen.push({ method, url, headers: { ...headers } }),
  );
  const [near, far] = duplexPair();
  parser.emit('connection', near);
  far.end(text, 'latin1');
  far.resume();
  await new Promise(setImmediate);
  near.destroy();
  parser.removeAllListeners('request');
  return seen[0];
}

type Scan = Extract<ScanEvent, { type: 'scan.recorded' }>;

/** Over the network, where plain links are answered before Fastify; `inject` always goes through it. */
describe('plain links', () => {
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let admin: string;
  let port: number;
  const scans: Scan[] = [];
  let onScans: () => void = () => {};

  beforeAll(async () => {
    platform = await openTestPlatform(
      [...auditMigrations, ...accessMigrations, ...codesMigrations, ...scansMigrations],
      { SIGNET_TRUSTED_PROXIES: '127.0.0.0/8', SIGNET_COUNTRY_HEADER: 'CF-IPCountry' },
    );
    const onBatch = ({ records }: RecordBatch): void => {
      const events = records.map(({ value }) => ScanEventSchema.parse(JSON.parse(value.toString())));
      for (const event of events) if (event.type === 'scan.recorded') scans.push(event);
      onScans();
    };
    await platform.eventLog.tail({ topics: [topics.scans.name], backlog: 0, onBatch });
    app = await createTestApp(platform, [AccessModule, CodesModule, RedirectModule]);
    admin = (await app.get(AccessService).bootstrap()) ?? '';
    await app.listen(0, '127.0.0.1');
    port = Number(new URL(await app.getUrl()).port);
  });
  // The last test has closed the app.
  afterAll(() => platform.close());

  const api = async (path: string, body: object, method = 'POST'): Promise<{ id: string; slug: string }> => {
    const headers = { authorization: `Bearer ${admin}`, 'content-type': 'application/json' };
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers, body: JSON.stringify(body) });
    const { id, slug } = CodeSchema.parse(await answer.json());
    return { id, slug: slug ?? '' };
  };
  const create = (body: object = {}): Promise<{ id: string; slug: string }> =>
    api('/v1/codes', { target: { url: TARGET }, ...body });
  const get = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}/${path}`, { redirect: 'manual', ...init });
  const recorded = async (codeId: string, count: number): Promise<Scan[]> => {
    const found = (): Scan[] => scans.filter(({ data }) => data.codeId === codeId);
    while (found().length < count) await new Promise<void>((resolve) => (onScans = resolve));
    return found();
  };
  /** A code on which this process has a lease. */
  const createLeased = async (body?: object): Promise<{ id: string; slug: string }> => {
    const code = await create(body);
    await get(code.slug, { method: 'HEAD' });
    return code;
  };
  /** Sends chunks as they are; resolves with all that was answered when the server has ended the connection. */
  const converse = async (chunks: readonly string[]): Promise<string> => {
    const socket = connect(port, '127.0.0.1').setNoDelay(true).setEncoding('latin1');
    let text = '';
    socket.on('data', (chunk: string) => (text += chunk));
    socket.on('error', () => {});
    const closed = once(socket, 'close');
    for (const chunk of chunks) {
      await new Promise<unknown>((resolve) => void socket.write(chunk, 'latin1', resolve));
      await new Promise(setImmediate);
    }
    await closed;
    return text;
  };
  const wasIntercepted = ({ id }: Scan, { headers }: Response): boolean => id === headers.get('x-request-id');

  it('are answered and recorded as the routes do it', async () => {
    const { id, slug } = await createLeased();
    const byRoute = await app.inject({ url: `/${slug}`, headers: FORWARDED, remoteAddress: '127.0.0.1' });
    const answer = await get(slug, { headers: FORWARDED });
    expect([answer.status, await answer.text()]).toEqual([byRoute.statusCode, byRoute.body]);
    const perAnswer = ['date', 'connection', 'keep-alive', 'x-request-id'];
    const lasting = Object.entries(byRoute.headers).filter(([name]) => !perAnswer.includes(name));
    const headers = Object.fromEntries([...answer.headers].filter(([name]) => !perAnswer.includes(name)));
    expect(headers).toEqual(Object.fromEntries(lasting));
    expect(headers['location']).toBe('https://example.org/gr%C3%B6%C3%9Fe');
    const [first, second] = await recorded(id, 2);
    expect(first && wasIntercepted(first, answer)).toBe(false);
    expect(second && wasIntercepted(second, answer)).toBe(true);
    expect(second?.data).toEqual(first?.data);
    expect(second?.data).toMatchObject({
      ip: '203.0.113.0',
      country: 'DE',
      os: 'Android',
      referrerHost: 'news.example',
    });
  });

  it('leave no whole address on the disk', async () => {
    const { id, slug } = await createLeased();
    await get(slug, { headers: FORWARDED });
    await recorded(id, 1);
    const segments = join(platform.config.values.SIGNET_DATA_DIR, 'journal', 'segments');
    const file = Buffer.concat(readdirSync(segments).map((name) => readFileSync(join(segments, name))));
    expect(file.includes('203.0.113.0')).toBe(true);
    expect(file.includes('203.0.113.77')).toBe(false);
  });

  it('are answered to HEAD and not recorded', async () => {
    const { id, slug } = await createLeased();
    const answer = await get(slug, { method: 'HEAD' });
    expect([answer.status, answer.headers.get('location')]).toEqual([302, 'https://example.org/gr%C3%B6%C3%9Fe']);
    await get(slug);
    expect(await recorded(id, 1)).toHaveLength(1);
  });

  it('follow an edit and a revoke', async () => {
    const { id, slug } = await createLeased();
    await api(`/v1/codes/${id}`, { target: { url: 'https://example.org/new' } }, 'PATCH');
    expect((await get(slug)).headers.get('location')).toBe('https://example.org/new');
    await api(`/v1/codes/${id}/revoke`, { reason: 'test' });
    const answer = await get(slug);
    expect([answer.status, answer.headers.get('location')]).toEqual([410, null]);
  });

  it('end with their time, also within a lease', async () => {
    const { slug } = await createLeased({ expiresAt: new Date(platform.clock.now().getTime() + 500).toISOString() });
    expect((await get(slug)).status).toBe(302);
    platform.clock.advance(500);
    expect((await get(slug)).status).toBe(410);
  });

  it.each([
    ['with a query', (slug: string) => `${slug}?utm_source=poster`, 302],
    ['with an encoded character', (slug: string) => `%${slug.charCodeAt(0).toString(16)}${slug.slice(1)}`, 302],
    ['with a slash behind it', (slug: string) => `${slug}/`, 404],
    ['of nobody', (slug: string) => `${slug}x`, 404],
  ])('are left to the routes when the path is one %s', async (_name, pathOf, status) => {
    const { slug } = await createLeased();
    expect((await get(pathOf(slug))).status).toBe(status);
  });

  it('are answered in order to a client that does not wait, beside everything else', async () => {
    const { id, slug } = await createLeased();
    const paths = [slug, 'nobody-has-this', slug, 'robots.txt', slug];
    const socket = connect(port, '127.0.0.1');
    const last = 'Connection: close\r\n';
    socket.write(paths.map((path, n) => `GET /${path} HTTP/1.1\r\nHost: x\r\n${n === 4 ? last : ''}\r\n`).join(''));
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk) => (text += chunk));
    await once(socket, 'close');
    const statuses = Array.from(text.matchAll(/^HTTP\/1\.1 (\d+)/gm), ([, status]) => status);
    expect(statuses).toEqual(['302', '404', '302', '200', '302']);
    expect(await recorded(id, 3)).toHaveLength(3);
  });

  /** What is the same in every answer to the same request. */
  const lasting = (text: string): string => text.replaceAll(/^(date|x-request-id): .*\r\n/gim, '');
  const request = (slug: string, lines: readonly string[] = []): string =>
    [`GET /${slug} HTTP/1.1`, 'Host: x', ...lines, '', ''].join('\r\n');
  const LAST = 'Connection: close';

  it('are answered from the socket with the bytes that come from Node’s server', async () => {
    const { slug } = await createLeased();
    const foreign = await converse([request(slug, ['TE: trailers']), request('robots.txt', [LAST])]);
    const simple = await converse([request(slug), request('robots.txt', [LAST])]);
    expect(lasting(simple)).toBe(lasting(foreign));
    expect(simple).toMatch(/\r\nKeep-Alive: timeout=\d+\r\n/);
  });

  it('are answered in one way, wherever the client cuts its requests', async () => {
    const { id, slug } = await createLeased();
    const requests = [request(slug), request('robots.txt'), request(slug, ['X-Odd: \t\xe9']), request(slug, [LAST])];
    const whole = requests.join('');
    const expected = lasting(await converse([whole]));
    let count = 3;
    await recorded(id, count);
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(whole.length), { maxLength: 6 }), async (cuts) => {
        const places = [0, ...cuts.toSorted((a, b) => a - b), whole.length];
        const chunks = places.slice(1).map((end, index) => whole.slice(places[index], end));
        const text = await converse(chunks.filter((chunk) => chunk !== ''));
        expect(lasting(text)).toBe(expected);
        expect(await recorded(id, (count += 3))).toHaveLength(count);
      }),
      { numRuns: 60 },
    );
  });

  it('lead the reader of sockets to no request that Node’s parser would not see', async () => {
    const { slug } = await createLeased();
    const parts = [
      `GET /${slug} HTTP/1.1\r\n`,
      `HEAD /${slug} HTTP/1.1\r\n`,
      `GET /${slug} HTTP/1.0\r\n`,
      `get /${slug} HTTP/1.1\r\n`,
      `GET /${slug}`,
      'Host: x\r\n',
      'Host: x, y\r\n',
      'Host:\r\n',
      'User-Agent: a\r\n',
      'Content-Length: 5\r\n',
      'Content-Length : 0\r\n',
      'Transfer-Encoding: chunked\r\n',
      'Connection: Upgrade\r\nUpgrade: h2c\r\n',
      'Expect: z\r\n',
      ' folded\r\n',
      'X: \x00\r\n',
      'X: y\n',
      '0\r\n\r\n',
      '\r\n',
      '\n',
      '\r',
      ' ',
      ':',
    ];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...parts), { minLength: 1, maxLength: 8 }), async (some) => {
        const text = some.join('');
        for (let at = 0; ;) {
          const read = readSimpleRequest(text, at);
          if (!read) break;
          const seen = await parsedByNode(text.slice(at, read.end));
          expect(seen).toEqual({ method: read.method, url: `/${read.slug}`, headers: { ...read.headers } });
          at = read.end;
        }
      }),
      { numRuns: 3000, examples: [[['GET /x HTTP/1.1\r\n', 'Host: x\r\n', '\r\n']]] },
    );
    parser.close();
  });

  it('are answered to a client that has sent all it will', async () => {
    const { slug } = await createLeased();
    const { slug: cold } = await create();
    for (const asked of [slug, cold]) {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).setEncoding('latin1');
      let text = '';
      socket.on('data', (chunk: string) => (text += chunk));
      socket.end(request(asked));
      await once(socket, 'end');
      socket.end();
      expect(text).toMatch(/^HTTP\/1\.1 302 /);
    }
  });

  it('are counted in the metrics like every request', async () => {
    const { slug } = await createLeased();
    await get(slug);
    expect(await platform.metrics.metrics()).toMatch(
      /signet_http_request_duration_seconds_count\{service="test",method="GET",route="\/:slug",status="302"\} \d+/,
    );
  });

  it('are answered and recorded when the stop comes in between, and the connection ends', async () => {
    const { id, slug } = await createLeased();
    const stopped = new Promise<void>((resolve, reject) => {
      app.getHttpServer().once('request', () => void app.close().then(resolve, reject));
    });
    const quick = converse([`GET /${slug} HTTP/1.1\r\nHost: x\r\n\r\n`]);
    await recorded(id, 1);
    const text = await converse([`GET /${slug} HTTP/1.1\r\nHost: x\r\nTE: trailers\r\n\r\n`]);
    expect(text).toMatch(/^HTTP\/1\.1 302 .*\r\nconnection: close\r\n/is);
    await stopped;
    expect(await quick).toMatch(/^HTTP\/1\.1 302 .*\r\nconnection: keep-alive\r\n/is);
    expect(await recorded(id, 2)).toHaveLength(2);
  });
});
