import { createHmac } from 'node:crypto';
import {
  createServer,
  type IncomingMessage,
  type IncomingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { accessMigrations, AccessModule, AccessService } from '@signet/access';
import { alertsMigrations } from '@signet/alerts';
import { auditMigrations } from '@signet/audit';
import {
  CreatedWebhookSchema,
  dataSchemaUrn,
  topics,
  WebhookDeliveryDetailSchema,
  WebhookDeliveryPageSchema,
  WebhookSchema,
  type CreatedWebhook,
  type Webhook,
  type WebhookDelivery,
} from '@signet/contracts';
import { consumeEvents, newId } from '@signet/platform';
import { findErasure, insertErasure, privacyMigrations } from '@signet/privacy';
import { createTestApp, openTestPlatform, until, type TestPlatform } from '@signet/testing';
import { takeDue } from './deliveries.sql.js';
import { WEBHOOKS_GROUP } from './webhooks.consumer.js';
import { webhooksMigrations } from './webhooks.migrations.js';
import { WebhooksModule } from './webhooks.module.js';

interface Received {
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** Somebody's server that is told of events. */
class Receiver {
  readonly got: Received[] = [];
  answer: (response: ServerResponse, request: Received) => void = (response) => response.writeHead(204).end();
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => void this.receive(request, response));
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return this;
  }
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/hook`;
  }
  get ids(): string[] {
    return this.got.map(({ headers }) => String(headers['webhook-id']));
  }
  private async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const received = { headers: request.headers, body: await buffer(request) };
    this.got.push(received);
    this.answer(response, received);
  }
  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

let platform: TestPlatform;
let app: NestFastifyApplication;
let admin: string;
let workspaceId: string;
const receivers: Receiver[] = [];
const hooks: string[] = [];

beforeAll(async () => {
  platform = await openTestPlatform(
    [...auditMigrations, ...accessMigrations, ...privacyMigrations, ...alertsMigrations, ...webhooksMigrations],
    {
      SIGNET_WEBHOOK_ALLOW_PRIVATE: 'true',
    },
  );
  app = await createTestApp(platform, [AccessModule, WebhooksModule]);
  consumeEvents(app, { ...platform, group: WEBHOOKS_GROUP });
  await app.startAllMicroservices();
  admin = (await app.get(AccessService).bootstrap()) ?? '';
  ({ workspaceId } = (await call('GET', '/v1/whoami')).body);
});
afterEach(async () => {
  for (const id of hooks.splice(0)) await call('DELETE', `/v1/webhooks/${id}`);
  for (const started of receivers.splice(0)) started.stop();
});
afterAll(async () => {
  await app.close();
  await platform.close();
});

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
async function call(method: Method, url: string, payload?: object, key = admin) {
  const answer = await app.inject({ method, url, payload, headers: { authorization: `Bearer ${key}` } });
  return { status: answer.statusCode, body: answer.body === '' ? undefined : answer.json() };
}

async function receiver(): Promise<Receiver> {
  const started = await new Receiver().start();
  receivers.push(started);
  return started;
}

async function hook(url: string, body: object = {}): Promise<CreatedWebhook> {
  const { body: created } = await call('POST', '/v1/webhooks', { url, events: ['scan.*'], ...body });
  const webhook = CreatedWebhookSchema.parse(created);
  hooks.push(webhook.id);
  return webhook;
}

/** Scans in the log, as the pump puts them there. @returns their ids and bytes */
async function scans(count: number, of = workspaceId): Promise<{ id: string; value: Buffer }[]> {
  const records = Array.from({ length: count }, () => {
    const id = newId();
    const at = platform.clock.now().toISOString();
    const event = {
      specversion: '1.0',
      type: 'scan.recorded',
      id,
      source: '/signet/test/1',
      subject: 'unknown',
      time: at,
      datacontenttype: 'application/json',
      dataschema: dataSchemaUrn('scan.recorded'),
      sequence: '1',
      data: { workspaceId: of, outcome: 'redirected', at, bot: false, preview: false, extension: 'kept' },
    };
    return { id, key: 'unknown', value: Buffer.from(JSON.stringify(event)) };
  });
  await platform.eventLog.publish(topics.scans.name, records);
  return records;
}

const deliveriesOf = async (id: string, query = ''): Promise<WebhookDelivery[]> =>
  WebhookDeliveryPageSchema.parse((await call('GET', `/v1/webhooks/${id}/deliveries?limit=200${query}`)).body).items;
const delivered = (id: string, count: number): Promise<WebhookDelivery[]> =>
  until(async () => {
    const found = await deliveriesOf(id, '&state=delivered');
    return found.length >= count && found;
  });
const webhook = async (id: string): Promise<Webhook> =>
  WebhookSchema.parse((await call('GET', `/v1/webhooks/${id}`)).body);

describe('a webhook', () => {
  it('is told of an event by the bytes of the log, signed, with the event’s id', async () => {
    const target = await receiver();
    const { id, secret } = await hook(target.url);
    const [event] = await scans(1);
    const [got] = await until(() => target.got.length > 0 && target.got);
    expect(got?.body).toEqual(event?.value);
    expect(got?.headers).toMatchObject({
      'webhook-id': event?.id,
      'content-type': 'application/cloudevents+json',
      'user-agent': expect.stringMatching(/^Signet-Webhooks\//),
    });
    const timestamp = String(got?.headers['webhook-timestamp']);
    expect(Number(timestamp)).toBe(Math.floor(platform.clock.now().getTime() / 1000));
    const key = Buffer.from(secret?.replace('whsec_', '') ?? '', 'base64');
    const mac = createHmac('sha256', key)
      .update(`${event?.id}.${timestamp}.`)
      .update(event?.value ?? '');
    expect(got?.headers['webhook-signature']).toBe(`v1,${mac.digest('base64')}`);
    const [delivery] = await delivered(id, 1);
    expect(delivery).toMatchObject({ eventId: event?.id, eventType: 'scan.recorded', attempts: 1, lastStatus: 204 });
  });

  it('is told of what it asked for, of its own workspace, from its creation on', async () => {
    const target = await receiver();
    await scans(1);
    platform.clock.advance(1000);
    const { id } = await hook(target.url, { events: ['scan.recorded', 'code.*'] });
    await scans(1, newId());
    const [wanted] = await scans(1);
    await delivered(id, 1);
    expect(target.ids).toEqual([wanted?.id]);
  });

  it('is told once, also when the log gives a batch again', async () => {
    const target = await receiver();
    const { id } = await hook(target.url);
    const [event] = await scans(1);
    await delivered(id, 1);
    await platform.eventLog.publish(topics.scans.name, [{ key: 'unknown', value: event?.value ?? Buffer.alloc(0) }]);
    const [last] = await scans(1);
    await until(() => target.ids.includes(last?.id ?? ''));
    expect(target.ids).toEqual([event?.id, last?.id]);
  });

  it('that fails is tried again after the waits of the table, and logs each attempt with what was answered', async () => {
    const target = await receiver();
    const { id } = await hook(target.url);
    target.answer = (response) => response.writeHead(500, { 'content-type': 'text/plain' }).end('x'.repeat(5000));
    const [event] = await scans(1);
    await until(async () => (await deliveriesOf(id))[0]?.lastStatus === 500);
    expect(await webhook(id)).toMatchObject({ enabled: true, failingSince: platform.clock.now().toISOString() });
    platform.clock.advance(6001);
    target.answer = (response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end();
    await until(async () => (await deliveriesOf(id))[0]?.attempts === 2 && target.got.length === 2);
    await until(async () => (await deliveriesOf(id))[0]?.lastStatus === 302);
    platform.clock.advance(360_001);
    target.answer = (response) => response.writeHead(200).end();
    const [delivery] = await delivered(id, 1);
    expect(target.ids).toEqual([event?.id, event?.id, event?.id]);
    const answer = await call('GET', `/v1/webhooks/${id}/deliveries/${delivery?.id}`);
    const { log, event: sent } = WebhookDeliveryDetailSchema.parse(answer.body);
    expect(log.map(({ number, status, failure }) => [number, status, failure])).toEqual([
      [1, 500, 'answered 500'],
      [2, 302, 'answered 302'],
      [3, 200, null],
    ]);
    expect(sent).toEqual(JSON.parse(event?.value.toString() ?? ''));
    expect(await webhook(id)).toMatchObject({ failingSince: null });
  });

  it('that answers 410 is switched off at once, and told nothing until it is switched on', async () => {
    const target = await receiver();
    const { id } = await hook(target.url);
    target.answer = (response) => response.writeHead(410).end();
    await scans(1);
    await until(async () => !(await webhook(id)).enabled);
    expect(await webhook(id)).toMatchObject({ disabledReason: 'gone' });
    target.answer = (response) => response.writeHead(200).end();
    await scans(1);
    await call('PATCH', `/v1/webhooks/${id}`, { enabled: true });
    platform.clock.advance(1);
    const [event] = await scans(1);
    await delivered(id, 1);
    expect(target.ids.slice(1)).toContain(event?.id);
    expect((await call('GET', '/v1/whoami')).status).toBe(200);
  });

  it('that does nothing but fail for five days is switched off; one success in between forgives', async () => {
    const target = await receiver();
    const { id } = await hook(target.url);
    const answerWith = (status: number) => (target.answer = (response) => void response.writeHead(status).end());
    const failOnce = async (): Promise<void> => {
      const before = target.got.length;
      await scans(1);
      await until(() => target.got.length > before);
    };
    answerWith(503);
    await failOnce();
    platform.clock.advance(4 * 86_400_000);
    answerWith(200);
    await failOnce();
    await until(async () => (await webhook(id)).failingSince === null);
    answerWith(503);
    await failOnce();
    await until(async () => (await webhook(id)).failingSince !== null);
    platform.clock.advance(5 * 86_400_000 + 1);
    await failOnce();
    expect(await until(async () => !(await webhook(id)).enabled && webhook(id))).toMatchObject({
      disabledReason: 'failing',
    });
  });

  it('that is slow delays no other', async () => {
    const [slow, quick] = [await receiver(), await receiver()];
    const held: ServerResponse[] = [];
    slow.answer = (response) => void held.push(response);
    const slowHook = await hook(slow.url);
    const { id } = await hook(quick.url);
    await scans(60);
    await delivered(id, 60);
    expect(held.length).toBeLessThanOrEqual(10);
    slow.answer = (response) => void response.writeHead(200).end();
    held.forEach((response) => response.writeHead(200).end());
    await delivered(slowHook.id, 60);
    expect(new Set(slow.ids).size).toBe(60);
  });

  it('is told with the same id of what a process had in hand when it died', async () => {
    const target = await receiver();
    const { id } = await hook(target.url);
    await call('PATCH', `/v1/webhooks/${id}`, { enabled: false });
    const from = new Date().toISOString();
    const [event] = await scans(1);
    const to = new Date(Date.now() + 1).toISOString();
    expect((await call('POST', `/v1/webhooks/${id}/replay`, { from, to })).body).toEqual({ queued: 1 });
    platform.clock.advance(1000);
    const at = platform.clock.now();
    await platform.dataSource.query('UPDATE delivery.endpoints SET enabled = true WHERE id = $1', [id]);
    const lostAt = new Date(at.getTime() + 60_000);
    // The process that takes these never says what became of them; this one may be as quick.
    await takeDue(platform.dataSource.manager, { limit: 10, perEndpoint: 10, busy: new Map(), at, lostAt });
    platform.clock.advance(60_001);
    const [delivery] = await delivered(id, 1);
    expect(delivery?.eventId).toBe(event?.id);
    expect(new Set(target.ids)).toEqual(new Set([event?.id]));
  });

  it('signs with the former key as well until that ends', async () => {
    const target = await receiver();
    const { id, secret } = await hook(target.url);
    const { body } = await call('POST', `/v1/webhooks/${id}/rotate-secret`, { overlapSeconds: 60 });
    expect(body.secret).not.toBe(secret);
    await scans(1);
    await delivered(id, 1);
    platform.clock.advance(60_001);
    await scans(1);
    await delivered(id, 2);
    expect(target.got.map(({ headers }) => String(headers['webhook-signature']).split(' ').length)).toEqual([2, 1]);
  });

  it('of Ed25519 shows its public key, and no secret', async () => {
    const created = await hook((await receiver()).url, { signature: 'ed25519' });
    expect(created).toMatchObject({ secret: null, publicKeys: [expect.stringMatching(/^whpk_/)] });
    expect((await webhook(created.id)).publicKeys).toEqual(created.publicKeys);
  });

  it('can be tested, and says what was answered', async () => {
    const target = await receiver();
    const { id } = await hook(target.url);
    target.answer = (response) => response.writeHead(401).end('who are you?');
    const { body } = await call('POST', `/v1/webhooks/${id}/test`);
    expect(body).toMatchObject({ delivered: false, status: 401, failure: 'answered 401' });
    expect(JSON.parse(target.got[0]?.body.toString() ?? '')).toMatchObject({
      type: 'webhook.test',
      data: { webhookId: id },
    });
  });
});

describe('a subject that is erased', () => {
  /** An event of the enrollments' topic. */
  async function tell(type: string, subject: string, more: object = {}): Promise<string> {
    const id = newId();
    const at = platform.clock.now().toISOString();
    const event = {
      specversion: '1.0',
      type,
      id,
      source: '/signet/test/1',
      time: at,
      datacontenttype: 'application/json',
      dataschema: dataSchemaUrn(type),
      sequence: '1',
      data: { workspaceId, subjectId: newId(), subject, at, ...more },
    };
    await platform.eventLog.publish(topics.enrollments.name, [
      { key: subject, value: Buffer.from(JSON.stringify(event)) },
    ]);
    return id;
  }

  it('is in no delivery any more but the notice, late and replayed events included', async () => {
    const target = await receiver();
    const { id } = await hook(target.url, { events: ['enrollment.*', 'subject.*'] });
    const from = new Date().toISOString();
    target.answer = (response, { body }) => response.writeHead(200).end(body);
    const told = await tell('enrollment.created', 'berta');
    const other = await tell('enrollment.created', 'anna');
    await delivered(id, 2);
    target.answer = (response) => response.writeHead(500).end();
    const waiting = await tell('enrollment.revoked', 'berta');
    await until(async () => (await deliveriesOf(id)).some(({ lastStatus }) => lastStatus === 500));
    target.answer = (response) => response.writeHead(204).end();

    const erasureId = newId();
    const requestedAt = platform.clock.now();
    const { manager } = platform.dataSource;
    const erasure = { id: erasureId, workspaceId, subject: 'berta', requestedAt, requestedBy: 'key:1' };
    await insertErasure(manager, erasure, ['deliveries']);
    const notice = await tell('subject.erased', 'berta', { erasureId, codeIds: [] });
    const late = await tell('enrollment.expired', 'berta');
    await until(async () => (await findErasure(manager, workspaceId, erasureId))?.stores[0]?.finishedAt);
    await until(() => target.ids.includes(notice));
    expect((await findErasure(manager, workspaceId, erasureId))?.stores[0]).toMatchObject({ records: 2 });

    const deliveries = await deliveriesOf(id);
    const byEvent = Object.fromEntries(deliveries.map((delivery) => [delivery.eventId, delivery]));
    expect(byEvent[waiting]).toMatchObject({ state: 'failed', lastFailure: 'erased' });
    expect(byEvent[told]).toMatchObject({ state: 'delivered' });
    const shown = async (eventId: string) =>
      JSON.stringify((await call('GET', `/v1/webhooks/${id}/deliveries/${byEvent[eventId]?.id}`)).body);
    expect(await shown(told)).not.toContain('berta');
    expect(await shown(waiting)).not.toContain('berta');
    expect(await shown(other)).toContain('anna');

    platform.clock.advance(1000);
    expect((await call('POST', `/v1/webhooks/${id}/replay`, { deliveryId: byEvent[told]?.id })).body).toEqual({
      queued: 0,
    });
    const somebodyNew = await tell('enrollment.created', 'berta');
    await until(() => target.ids.includes(somebodyNew));
    const before = target.ids.length;
    await call('POST', `/v1/webhooks/${id}/replay`, { from, to: new Date(Date.now() + 1000).toISOString() });
    await until(() => target.ids.length >= before + 3);
    expect(new Set(target.ids.slice(before))).toEqual(new Set([other, notice, somebodyNew]));
    expect(target.ids).not.toContain(late);
  });
});

describe('a replay', () => {
  it('sends one delivery again', async () => {
    const target = await receiver();
    const { id } = await hook(target.url);
    const [event] = await scans(1);
    const [delivery] = await delivered(id, 1);
    expect((await call('POST', `/v1/webhooks/${id}/replay`, { deliveryId: delivery?.id })).body).toEqual({ queued: 1 });
    await until(() => target.got.length === 2);
    expect(target.ids).toEqual([event?.id, event?.id]);
  });

  it('sends all that the log has of a time, also what was before the webhook', async () => {
    const target = await receiver();
    const from = new Date().toISOString();
    const events = await scans(30);
    await sleep(5);
    const to = new Date().toISOString();
    await sleep(5);
    await scans(2);
    platform.clock.advance(1000);
    const { id } = await hook(target.url);
    const { body } = await call('POST', `/v1/webhooks/${id}/replay`, { from, to });
    expect(body).toEqual({ queued: 30 });
    await delivered(id, 30);
    expect(new Set(target.ids)).toEqual(new Set(events.map((event) => event.id)));
    expect((await call('POST', `/v1/webhooks/${id}/replay`, { from, to, failedOnly: true })).body).toEqual({
      queued: 0,
    });
    expect((await call('POST', `/v1/webhooks/${id}/replay`, { from, to })).body).toEqual({ queued: 30 });
  });

  it.each([
    [{}, 'must name a delivery'],
    [{ from: '2026-01-01T00:00:00Z', to: '2025-01-01T00:00:00Z' }, 'after `from`'],
    [{ from: '2026-01-01T00:00:00Z', to: '2026-06-01T00:00:00Z' }, '31 days'],
  ])('of %j is refused: %s', async (body, said) => {
    const { id } = await hook((await receiver()).url);
    const answer = await call('POST', `/v1/webhooks/${id}/replay`, body);
    expect(answer.status).toBe(422);
    expect(JSON.stringify(answer.body)).toContain(said);
  });
});

describe('the API of webhooks', () => {
  it('creates once under an Idempotency-Key, and shows the secret that one time', async () => {
    const { url } = await receiver();
    const post = () =>
      app.inject({
        method: 'POST',
        url: '/v1/webhooks',
        payload: { url, events: ['*'] },
        headers: { authorization: `Bearer ${admin}`, 'idempotency-key': 'one' },
      });
    const [first, second] = [(await post()).json(), (await post()).json()];
    hooks.push(first.id);
    expect(second).toEqual(first);
    expect(JSON.stringify((await call('GET', `/v1/webhooks/${first.id}`)).body)).not.toContain('whsec_');
  });

  it('keeps webhooks from other workspaces', async () => {
    const { id } = await hook((await receiver()).url);
    const { body } = await call('POST', '/v1/workspaces', { name: 'other' });
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['GET', '/deliveries'],
      ['POST', '/test'],
    ] as const)
      expect((await call(method, `/v1/webhooks/${id}${path}`, undefined, body.key)).status).toBe(404);
    expect((await call('GET', '/v1/webhooks', undefined, body.key)).body).toEqual({ items: [], nextCursor: null });
  });

  it('pages, and changes under If-Match', async () => {
    const { url } = await receiver();
    const created = [await hook(url), await hook(url), await hook(url)];
    const first = (await call('GET', '/v1/webhooks?limit=2')).body;
    const second = (await call('GET', `/v1/webhooks?limit=2&cursor=${first.nextCursor}`)).body;
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(created.map(({ id }) => id));
    const patch = (ifMatch: string) =>
      app.inject({
        method: 'PATCH',
        url: `/v1/webhooks/${created[0]?.id}`,
        payload: { description: 'staging' },
        headers: { authorization: `Bearer ${admin}`, 'if-match': ifMatch },
      });
    expect((await patch('"7"')).statusCode).toBe(412);
    const patched = await patch('"1"');
    expect([patched.statusCode, patched.headers['etag'], patched.json().description]).toEqual([200, '"2"', 'staging']);
  });

  it.each([
    [{ events: ['*'] }, 'url'],
    [{ url: 'https://example.org/', events: [] }, 'events'],
    [{ url: 'https://example.org/', events: ['codes.*'] }, 'events.0'],
    [{ url: 'ftp://example.org/', events: ['*'] }, 'url'],
    [{ url: 'https://user:secret@example.org/', events: ['*'] }, 'url'],
  ])('refuses %j at %s', async (body, path) => {
    const answer = await call('POST', '/v1/webhooks', body);
    expect(answer.status).toBe(422);
    expect(answer.body.errors[0].path).toBe(path);
  });
});

describe('without SIGNET_WEBHOOK_ALLOW_PRIVATE', () => {
  let strict: NestFastifyApplication;
  let strictPlatform: TestPlatform;
  let key: string;
  beforeAll(async () => {
    strictPlatform = await openTestPlatform([
      ...auditMigrations,
      ...accessMigrations,
      ...privacyMigrations,
      ...alertsMigrations,
      ...webhooksMigrations,
    ]);
    strict = await createTestApp(strictPlatform, [AccessModule, WebhooksModule]);
    key = (await strict.get(AccessService).bootstrap()) ?? '';
  });
  afterAll(async () => {
    await strict.close();
    await strictPlatform.close();
  });

  it.each([
    'http://example.org/',
    'https://127.0.0.1/',
    'https://localhost/',
    'https://[::1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://0x7f.1/',
    'https://2130706433/',
    'https://169.254.169.254/latest/meta-data',
  ])('%s is refused', async (url) => {
    const answer = await strict.inject({
      method: 'POST',
      url: '/v1/webhooks',
      payload: { url, events: ['*'] },
      headers: { authorization: `Bearer ${key}` },
    });
    expect(answer.statusCode).toBe(422);
    expect(answer.json().type).toBe('urn:signet:problem:target-not-allowed');
  });
});
