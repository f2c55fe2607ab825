import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createServer as createTlsServer } from 'node:tls';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { accessMigrations, AccessModule, AccessService } from '@signet/access';
import { Alerts, alertsMigrations, type Occurrence } from '@signet/alerts';
import { auditMigrations } from '@signet/audit';
import { NotificationChannelSchema, type NotificationChannel, type Severity } from '@signet/contracts';
import { consumeEvents, newId, OutboxRelay } from '@signet/platform';
import { insertErasure, privacyMigrations } from '@signet/privacy';
import { createTestApp, openTestPlatform, until, type TestPlatform } from '@signet/testing';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { WEBHOOKS_GROUP } from '../webhooks/webhooks.consumer.js';
import { webhooksMigrations } from '../webhooks/webhooks.migrations.js';
import { WebhooksModule } from '../webhooks/webhooks.module.js';
import { NotificationQueue } from './notification-queue.js';

const migrations = [
  ...auditMigrations,
  ...accessMigrations,
  ...privacyMigrations,
  ...alertsMigrations,
  ...webhooksMigrations,
];

let platform: TestPlatform;
let app: NestFastifyApplication;
let admin: string;
let workspaceId: string;
const ending: (() => unknown)[] = [];
const channels: string[] = [];

const directory = mkdtempSync(join(tmpdir(), 'signet-notifications-'));
let tlsKey: string;
let ca: string;

beforeAll(async () => {
  const files = { key: join(directory, 'key.pem'), cert: join(directory, 'cert.pem') };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', files.key];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  execFileSync('openssl', ['req', '-x509', ...key, ...subject, '-days', '30', '-out', files.cert], { stdio: 'ignore' });
  [tlsKey, ca] = [readFileSync(files.key, 'utf8'), readFileSync(files.cert, 'utf8')];
  platform = await openTestPlatform(migrations, {
    SIGNET_NOTIFICATION_ALLOW_PRIVATE: 'true',
    SIGNET_WEBHOOK_ALLOW_PRIVATE: 'true',
  });
  app = await createTestApp(platform, [AccessModule, WebhooksModule]);
  consumeEvents(app, { ...platform, group: WEBHOOKS_GROUP });
  await app.startAllMicroservices();
  app.get(OutboxRelay, { strict: false }).start();
  admin = (await app.get(AccessService).bootstrap()) ?? '';
  ({ workspaceId } = (await call('GET', '/v1/whoami')).body);
});
afterEach(async () => {
  for (const id of channels.splice(0)) await call('DELETE', `/v1/notification-channels/${id}`);
  for (const end of ending.splice(0)) await end();
});
afterAll(async () => {
  await app.close();
  await platform.close();
  rmSync(directory, { recursive: true });
});

async function call(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, payload?: object, key = admin) {
  const answer = await app.inject({ method, url, payload, headers: { authorization: `Bearer ${key}` } });
  return { status: answer.statusCode, body: answer.body === '' ? undefined : answer.json() };
}
async function channel(settings: object, more: object = {}): Promise<NotificationChannel> {
  const { body } = await call('POST', '/v1/notification-channels', { name: 'test', settings, ...more });
  const created = NotificationChannelSchema.parse(body);
  channels.push(created.id);
  return created;
}
const read = async (id: string): Promise<NotificationChannel> =>
  NotificationChannelSchema.parse((await call('GET', `/v1/notification-channels/${id}`)).body);
async function raise(severity: Severity = 'high', more: Partial<Occurrence> = {}): Promise<void> {
  const alerts = app.get(Alerts, { strict: false });
  const occurrence: Occurrence = {
    workspaceId,
    kind: 'failure_spike',
    severity,
    sentence: 'Many codes were wrong',
    signal: 'failed verifications in a minute',
    numbers: { failures: 12 },
    threshold: { failures: 5 },
    dedupeKey: newId(),
    coolDownSeconds: 0,
    at: platform.clock.now(),
    ...more,
  };
  await platform.dataSource.transaction((manager) => alerts.raise(manager, occurrence));
  alerts.wake();
}

async function portOf(server: Server | ReturnType<typeof createHttpServer>): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ending.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** The server of a chat. */
const httpServer = (take: (url: string | undefined, body: string) => void) =>
  createHttpServer((request, response) => {
    void text(request).then((body) => {
      take(request.url, body);
      return response.writeHead(202).end();
    });
  });

/** A mail server, with what it was given. */
async function mailServer(options: SMTPServerOptions = {}) {
  const got: { from: string; to: string[]; mail: string; secure: boolean; user?: string }[] = [];
  let refusing: string | undefined;
  const server = new SMTPServer({
    authOptional: true,
    allowInsecureAuth: true,
    disableReverseLookup: true,
    key: tlsKey,
    cert: ca,
    onAuth: ({ username, password }, _session, done) =>
      password === 'right' ? done(null, { user: username }) : done(new Error(`no such password: ${password}`)),
    onData: (stream, { envelope, secure, user }, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => void chunks.push(chunk));
      stream.on('end', () => {
        if (refusing !== undefined) {
          done(new Error(refusing));
          return;
        }
        const from = envelope.mailFrom ? envelope.mailFrom.address : '';
        const to = envelope.rcptTo.map(({ address }) => address);
        got.push({ from, to, mail: Buffer.concat(chunks).toString(), secure, ...(user && { user: String(user) }) });
        done();
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  ending.push(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
      }),
  );
  const { port } = server.server.address() as AddressInfo;
  const settings = { kind: 'email', to: ['soc@example.org'], from: 'signet@example.org', host: '127.0.0.1', port };
  return { got, settings, refuse: (reason: string | undefined) => void (refusing = reason) };
}

/** Whatever comes to a server that reads, by connection. */
function reader(server: Server): string[] {
  const got: string[] = [];
  const onConnection = (socket: NodeJS.ReadWriteStream): void => {
    const place = got.push('') - 1;
    socket.on('error', () => undefined).on('data', (chunk: Buffer) => void (got[place] += chunk.toString()));
  };
  server.on(server.listenerCount('secureConnection') > 0 ? 'secureConnection' : 'connection', onConnection);
  return got;
}

describe('an alert', () => {
  it('comes by mail, as text and as HTML in which nothing of a stranger is markup', async () => {
    const { got, settings } = await mailServer();
    const { id } = await channel({ ...settings, security: 'none', user: 'signet', password: 'right' });
    await raise('critical', { sentence: 'Somebody <script>alert(1)</script> & co guesses', subject: '<b>berta</b>' });
    const [first] = await until(() => got.length > 0 && got);
    expect(first).toMatchObject({ from: 'signet@example.org', to: ['soc@example.org'], user: 'signet' });
    const mail = first?.mail.replaceAll(/=\r\n/g, '') ?? '';
    expect(mail).toMatch(/^Subject: Signet: critical: Somebody <script>/m);
    expect(mail).toContain('Auto-Submitted: auto-generated');
    const [, html = ''] = mail.split('text/html');
    expect(html).toContain('&#60;script&#62;');
    expect(html).not.toMatch(/<script|<b>/);
    expect(mail).toContain('critical: Somebody <script>alert(1)</script> & co guesses');
    await until(async () => (await read(id)).lastSentAt !== null);
    expect(await read(id)).toMatchObject({ waiting: 0, lastFailure: null, destination: 'soc@example.org' });
  });

  it('is one message with the others when many come at once', async () => {
    const { got, settings } = await mailServer();
    await channel({ ...settings, security: 'none' }, { digestSeconds: 300 });
    await raise('medium');
    await until(() => got.length === 1);
    for (let n = 0; n < 30; n += 1) await raise(n === 7 ? 'critical' : 'medium');
    const { id } = (await call('GET', '/v1/notification-channels')).body.items[0];
    await until(async () => (await read(id)).waiting === 30);
    expect(got).toHaveLength(1);
    platform.clock.advance(300_001);
    await until(() => got.length === 2);
    expect(got[1]?.mail).toMatch(/^Subject: Signet: 30 alerts, the gravest critical/m);
    expect(got[1]?.mail.match(/^critical: |^medium: /gm)?.length).toBe(20);
    expect(got[1]?.mail).toContain('and 10 more');
    await until(async () => (await read(id)).waiting === 0);
  });

  it('goes to who asked for its severity and kind, and its end to who asked for that', async () => {
    const posted: string[] = [];
    const port = await portOf(httpServer((url, body) => void posted.push(`${url} ${body}`)));
    const to = (path: string) => ({ kind: 'slack', url: `http://127.0.0.1:${port}/${path}` });
    await channel(to('grave'), { minSeverity: 'critical', digestSeconds: 0 });
    await channel(to('kind'), { alertKinds: ['slug_guessing'], digestSeconds: 0 });
    await channel(to('ends'), { resolved: true, digestSeconds: 0 });
    await raise('high', { dedupeKey: 'matter', sentence: 'A <@channel> & more' });
    await until(() => posted.length === 1);
    expect(posted[0]).toContain('/ends {"text":"Signet: high: A &lt;@channel&gt; &amp; more');
    await platform.dataSource.transaction((manager) =>
      app.get(Alerts, { strict: false }).resolve(manager, { workspaceId, dedupeKey: 'matter', resolution: 'over' }),
    );
    await until(() => posted.length === 2);
    expect(posted[1]).toContain('resolved: A');
  });

  it('comes to Teams as a card of plain text runs', async () => {
    const port = await portOf(httpServer((_url, body) => void cards.push(JSON.parse(body))));
    const cards: unknown[] = [];
    const created = await channel({ kind: 'teams', url: `http://127.0.0.1:${port}/hook?sig=secret` });
    expect(JSON.stringify(created)).not.toContain('sig=secret');
    await raise('high', { sentence: '[click](https://evil.example)' });
    await until(() => cards.length === 1);
    expect(cards[0]).toMatchObject({
      attachments: [
        {
          contentType: 'application/vnd.microsoft.card.adaptive',
          content: { body: expect.any(Array), type: 'AdaptiveCard' },
        },
      ],
    });
    expect(JSON.stringify(cards[0])).toContain('"type":"TextRun","text":"high: [click](https://evil.example)"');
  });

  it('comes to a syslog server over TCP, each in a record of RFC 5424 with its octets counted', async () => {
    const server = createTcpServer();
    const got = reader(server);
    const port = await portOf(server);
    await channel(
      { kind: 'syslog', host: '127.0.0.1', port, transport: 'tcp' },
      { minSeverity: 'low', digestSeconds: 3600 },
    );
    await raise('high', { subject: 'o"neil\\x]', sentence: 'Wrong codes\nof Zoë' });
    await raise('low');
    const all = await until(() => (got.join('').match(/signet@32473/g)?.length ?? 0) === 2 && got.join(''));
    const records: string[] = [];
    for (let rest = Buffer.from(all); rest.length > 0;) {
      const [counted = ''] = /^\d+ /.exec(rest.toString('latin1')) ?? [];
      const end = counted.length + Number(counted);
      records.push(rest.subarray(counted.length, end).toString());
      rest = rest.subarray(end);
    }
    expect(records).toHaveLength(2);
    const [high = '', low = ''] = records;
    expect(high).toMatch(
      /^<107>1 \d{4}-\d\d-\d\dT[\d:.]+Z \S+ signet - failure_spike \[signet@32473 status="raised" alert="/,
    );
    expect(high).toContain(String.raw`subject="o\"neil\\x\]"`);
    expect(high).toContain('failures="12"] \uFEFFWrong codes of Zoë');
    expect(low).toMatch(/^<109>1 /);
  });

  it('comes to a syslog server over UDP', async () => {
    const server = createSocket('udp4');
    const got: string[] = [];
    server.on('message', (message) => void got.push(message.toString()));
    server.bind(0, '127.0.0.1');
    await once(server, 'listening');
    ending.push(() => server.close());
    const { port } = server.address();
    await channel({ kind: 'syslog', host: '127.0.0.1', port, transport: 'udp', facility: 4 });
    await raise('critical');
    await until(() => got.length === 1);
    expect(got[0]).toMatch(/^<34>1 .* \uFEFFMany codes were wrong$/);
  });

  it('comes to a syslog server over TLS whose authority is known, and to no other', async () => {
    const server = createTlsServer({ key: tlsKey, cert: ca }, () => undefined);
    server.on('tlsClientError', () => undefined);
    const got = reader(server);
    const port = await portOf(server);
    const settings = { kind: 'syslog', host: 'localhost', port };
    const stranger = await channel(settings);
    const known = await channel({ ...settings, ca });
    expect((await call('POST', `/v1/notification-channels/${known.id}/test`)).body).toMatchObject({ sent: true });
    await until(() => got.join('').includes('This is a test'));
    const refused = await call('POST', `/v1/notification-channels/${stranger.id}/test`);
    expect(refused.body).toMatchObject({ sent: false, failure: expect.stringMatching(/self-signed|certificate/) });
  });

  it('that does not go out is tried again, with the same id, until it does', async () => {
    const { got, settings, refuse } = await mailServer();
    refuse('the box is full');
    const { id } = await channel({ ...settings, security: 'none' });
    await raise();
    await until(async () => (await read(id)).lastFailure !== null);
    expect(await read(id)).toMatchObject({
      waiting: 1,
      lastFailure: expect.stringContaining('the box is full'),
      failingSince: platform.clock.now().toISOString(),
    });
    refuse(undefined);
    platform.clock.advance(6001);
    await until(() => got.length === 1);
    await until(async () => (await read(id)).failingSince === null);
  });

  it('is told once, also when the log gives a batch again; and what another process had in hand is told by the next', async () => {
    const { got, settings } = await mailServer();
    const { id } = await channel({ ...settings, security: 'none' }, { digestSeconds: 0 });
    const at = platform.clock.now().toISOString();
    const event = {
      specversion: '1.0' as const,
      id: newId(),
      source: '/signet/test/1',
      type: 'alert.raised',
      time: at,
      datacontenttype: 'application/json' as const,
      dataschema: 'urn:signet:event:alert.raised:v1',
      sequence: '1',
      data: alertData(at),
    };
    const take = (eventId: string) =>
      app
        .get(NotificationQueue, { strict: false })
        .take([{ offset: 0n, event: { ...event, id: eventId }, value: Buffer.alloc(0) }]);
    await take(event.id);
    await take(event.id);
    await until(async () => (await read(id)).lastSentAt !== null);
    expect(got).toHaveLength(1);
    // A process took it and died: it is due again when it is taken for lost.
    await platform.dataSource.query(`UPDATE delivery.channels SET next_at = $2, attempts = 1 WHERE id = $1`, [
      id,
      new Date(platform.clock.now().getTime() + 120_000),
    ]);
    await take(newId());
    await until(async () => (await read(id)).waiting === 1);
    platform.clock.advance(120_001);
    await until(() => got.length === 2);
  });

  it('of a subject that was erased is not told any more', async () => {
    const { got, settings } = await mailServer();
    const { id } = await channel({ ...settings, security: 'none' }, { digestSeconds: 0 });
    const erasure = { id: newId(), workspaceId, subject: 'erased-one', requestedBy: 'key:1' };
    platform.clock.advance(1000);
    await insertErasure(platform.dataSource.manager, { ...erasure, requestedAt: platform.clock.now() }, ['deliveries']);
    await raise('high', { subject: 'erased-one', sentence: 'erased-one guesses' });
    await raise('high');
    await until(() => got.length > 0);
    await until(async () => (await read(id)).waiting === 0);
    expect(got.map(({ mail }) => mail).join('')).not.toContain('erased-one');
  });
});

/** An alert as an event carries it. */
function alertData(at: string): object {
  const nothing = {
    codeId: null,
    subject: null,
    network: null,
    stepUpUntil: null,
    assignee: null,
    acknowledgedAt: null,
  };
  const open = { acknowledgedBy: null, resolvedAt: null, resolvedBy: null, resolution: null, resolvesAt: null };
  const state = { status: 'open', shadow: false, muted: false, count: 1, firstAt: at, lastAt: at, raisedAt: at };
  const what = { kind: 'failure_spike', severity: 'high', sentence: 'Many', signal: 's', numbers: {}, threshold: {} };
  return { id: newId(), workspaceId, evidence: [], actions: ['alert'], ...nothing, ...open, ...state, ...what };
}

describe('a webhook that is switched off', () => {
  it('is alerted of, and the alert ends when it is switched on again', async () => {
    const port = await portOf(createHttpServer((_request, response) => response.writeHead(410).end()));
    const { got, settings } = await mailServer();
    await channel(
      { ...settings, security: 'none' },
      { digestSeconds: 0, alertKinds: ['webhook_disabled'], resolved: true },
    );
    const url = `http://127.0.0.1:${port}/hook/secret-path`;
    const { id } = (await call('POST', '/v1/webhooks', { url, events: ['alert.*'] })).body;
    platform.clock.advance(1000);
    await raise();
    await until(() => got.length === 1);
    expect(got[0]?.mail.replaceAll(/=\r\n/g, '')).toContain(
      `The webhook to 127.0.0.1:${port} was switched off, because it answered 410 Gone`,
    );
    expect(got[0]?.mail).not.toContain('secret-path');
    await call('PATCH', `/v1/webhooks/${id}`, { enabled: true });
    await until(() => got.length === 2);
    expect(got[1]?.mail).toMatch(/^Subject: Signet: resolved: The webhook/m);
    await call('DELETE', `/v1/webhooks/${id}`);
  });
});

describe('the API of notification channels', () => {
  it('tests a channel, and says what the server said, without the password', async () => {
    const { got, settings } = await mailServer();
    const right = await channel({ ...settings, security: 'none', user: 'signet', password: 'right' });
    const sent = await call('POST', `/v1/notification-channels/${right.id}/test`);
    expect(sent.body).toMatchObject({ sent: true, failure: null });
    const wrong = await channel({ ...settings, security: 'none', user: 'signet', password: 'wrong-secret' });
    const refused = await call('POST', `/v1/notification-channels/${wrong.id}/test`);
    expect(refused.body).toMatchObject({ sent: false, failure: expect.stringContaining('no such password: [secret]') });
    const known = await channel({ ...settings, host: 'localhost', ca });
    expect((await call('POST', `/v1/notification-channels/${known.id}/test`)).body).toMatchObject({ sent: true });
    const tests = () => got.filter(({ mail }) => mail.includes('This is a test')).map(({ secure }) => secure);
    expect(tests()).toEqual([false, true]);
    const starttls = await channel(settings);
    const distrusted = await call('POST', `/v1/notification-channels/${starttls.id}/test`);
    expect(distrusted.body).toMatchObject({ sent: false, failure: expect.stringMatching(/certificate/) });
    expect(tests()).toHaveLength(2);
  });

  it('shows no secret, pages, changes under If-Match, forgets what waits when it is switched off', async () => {
    const { settings, refuse } = await mailServer();
    refuse('not now');
    const created = [];
    for (let n = 0; n < 3; n += 1)
      created.push(await channel({ ...settings, security: 'none', user: 'u', password: 'hidden-word' }));
    const first = (await call('GET', '/v1/notification-channels?limit=2')).body;
    const second = (await call('GET', `/v1/notification-channels?limit=2&cursor=${first.nextCursor}`)).body;
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(created.map(({ id }) => id));
    expect(JSON.stringify([created, first, second])).not.toContain('hidden-word');
    const [one] = created;
    const patch = (ifMatch: string, payload: object) =>
      app.inject({
        method: 'PATCH',
        url: `/v1/notification-channels/${one?.id}`,
        payload,
        headers: { authorization: `Bearer ${admin}`, 'if-match': ifMatch },
      });
    expect((await patch('"7"', { name: 'other' })).statusCode).toBe(412);
    await raise();
    await until(async () => (await read(one?.id ?? '')).waiting === 1);
    expect((await patch('"1"', { enabled: false })).json()).toMatchObject({ enabled: false, waiting: 0, version: 2 });
    const moved = { settings: { kind: 'slack', url: 'http://127.0.0.1:9/T0/secret' }, minSeverity: 'critical' };
    expect((await patch('"2"', moved)).json()).toMatchObject({ kind: 'slack', destination: '127.0.0.1:9', version: 3 });
  });

  it('keeps channels from other workspaces', async () => {
    const { settings } = await mailServer();
    const { id } = await channel(settings);
    const { key } = (await call('POST', '/v1/workspaces', { name: 'other' })).body;
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/test'],
    ] as const)
      expect((await call(method, `/v1/notification-channels/${id}${path}`, undefined, key)).status).toBe(404);
  });

  it.each([
    [{ kind: 'email', to: [], from: 'a@example.org', host: 'mail.example.org' }, 'settings.to'],
    [{ kind: 'email', to: ['a@example.org\nBcc: b@example.org'], from: 'a@example.org', host: 'h' }, 'settings.to.0'],
    [{ kind: 'syslog', host: 'log example', transport: 'tcp' }, 'settings.host'],
    [{ kind: 'syslog', host: 'log.example', port: 70_000 }, 'settings.port'],
    [{ kind: 'slack', url: 'ftp://example.org/' }, 'settings.url'],
    [{ kind: 'pager' }, 'settings.kind'],
  ])('refuses %j at %s', async (settings, path) => {
    const answer = await call('POST', '/v1/notification-channels', { name: 'wrong', settings });
    expect([answer.status, answer.body.errors[0].path]).toEqual([422, path]);
  });
});

describe('without SIGNET_NOTIFICATION_ALLOW_PRIVATE', () => {
  let strict: NestFastifyApplication;
  let strictPlatform: TestPlatform;
  let key: string;
  beforeAll(async () => {
    strictPlatform = await openTestPlatform(migrations);
    strict = await createTestApp(strictPlatform, [AccessModule, WebhooksModule]);
    key = (await strict.get(AccessService).bootstrap()) ?? '';
  });
  afterAll(async () => {
    await strict.close();
    await strictPlatform.close();
  });

  it.each([
    [{ kind: 'email', to: ['a@example.org'], from: 'a@example.org', host: 'localhost' }, 'settings.host'],
    [{ kind: 'syslog', host: '10.0.0.1' }, 'settings.host'],
    [{ kind: 'syslog', host: '169.254.169.254', transport: 'udp' }, 'settings.host'],
    [{ kind: 'slack', url: 'https://[::1]/hook' }, 'settings.url'],
    [{ kind: 'teams', url: 'https://127.0.0.1/hook' }, 'settings.url'],
  ])('%j is refused at %s', async (settings, path) => {
    const answer = await strict.inject({
      method: 'POST',
      url: '/v1/notification-channels',
      payload: { name: 'private', settings },
      headers: { authorization: `Bearer ${key}` },
    });
    expect(answer.statusCode).toBe(422);
    expect(answer.json()).toMatchObject({ type: 'urn:signet:problem:target-not-allowed', errors: [{ path }] });
  });
});
