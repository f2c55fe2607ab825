import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { accessMigrations, AccessModule, AccessService } from '@signet/access';
import { auditMigrations } from '@signet/audit';
import { AlertEventSchema, topics, type Alert, type AlertMute } from '@signet/contracts';
import { newId } from '@signet/platform';
import { createTestApp, openTestPlatform, type TestPlatform } from '@signet/testing';
import type { Occurrence } from './alert.js';
import { Alerts } from './alerts.js';
import { alertsMigrations } from './alerts.migrations.js';
import { AlertsModule } from './alerts.module.js';
import { AlertsUpkeep } from './alerts-upkeep.js';

const NOW = '2026-11-25T12:00:00.000Z';
const HOUR = 3_600_000;

describe('/v1/alerts', () => {
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let admin: string;
  let reader: string;
  let workspaceId: string;

  beforeAll(async () => {
    platform = await openTestPlatform([...auditMigrations, ...accessMigrations, ...alertsMigrations]);
    platform.clock.set(new Date(NOW));
    app = await createTestApp(platform, [AccessModule, AlertsModule]);
    admin = (await app.get(AccessService).bootstrap()) ?? '';
    ({ workspaceId } = (await call('GET', '/v1/whoami')).json());
    const key = await call('POST', '/v1/api-keys', { name: 'reader', scopes: ['analytics:read'] });
    reader = key.json().key;
  });
  beforeEach(() => platform.clock.set(new Date(NOW)));
  afterEach(() => platform.dataSource.query('TRUNCATE analytics.alerts, analytics.alert_mutes, outbox.events'));
  afterAll(async () => {
    await app.close();
    await platform.close();
  });

  function call(method: 'GET' | 'POST' | 'DELETE', url: string, body?: object, key = admin) {
    const headers = { authorization: `Bearer ${key}` };
    return app.inject({ method, url, headers, ...(body && { payload: body }) });
  }
  const list = async (query = ''): Promise<Alert[]> => (await call('GET', `/v1/alerts${query}`)).json().items;

  const raise = (more: Partial<Occurrence> = {}): Promise<Alert> =>
    platform.dataSource.transaction((manager) =>
      app.get(Alerts).raise(manager, {
        workspaceId,
        kind: 'failure_spike',
        severity: 'medium',
        sentence: '40 codes of anna were wrong in a minute; 2 are usual',
        signal: 'failed verifications in a minute',
        numbers: { failures: 40 },
        threshold: { failures: 12 },
        evidence: [newId()],
        subject: 'anna',
        dedupeKey: 'failure_spike:anna',
        coolDownSeconds: 3600,
        resolveAfterSeconds: 1800,
        at: platform.clock.now(),
        ...more,
      }),
    );

  const told = async (): Promise<[type: string, severity: string, count: number][]> => {
    const rows: { type: string; payload: unknown; id: string; timestamp: Date }[] = await platform.dataSource.query(
      'SELECT id, type, payload, timestamp FROM outbox.events WHERE aggregatetype = $1 AND aggregateid = $2 ORDER BY position',
      [topics.alerts.name, workspaceId],
    );
    return rows.map(({ type, payload }) => {
      const data = AlertEventSchema.shape.data.parse(payload);
      return [type, data.severity, data.count];
    });
  };

  it('shows an alert with its numbers, threshold, evidence and sentence, and tells of it', async () => {
    const evidence = [newId()];
    const { id } = await raise({ evidence });
    const alert = (await call('GET', `/v1/alerts/${id}`)).json();
    expect(alert).toEqual({
      id,
      kind: 'failure_spike',
      severity: 'medium',
      status: 'open',
      sentence: '40 codes of anna were wrong in a minute; 2 are usual',
      signal: 'failed verifications in a minute',
      numbers: { failures: 40 },
      threshold: { failures: 12 },
      evidence,
      codeId: null,
      subject: 'anna',
      network: null,
      actions: ['alert'],
      stepUpUntil: null,
      shadow: false,
      muted: false,
      count: 1,
      firstAt: NOW,
      lastAt: NOW,
      raisedAt: NOW,
      assignee: null,
      acknowledgedAt: null,
      acknowledgedBy: null,
      resolvedAt: null,
      resolvedBy: null,
      resolution: null,
      resolvesAt: '2026-11-25T12:30:00.000Z',
    });
    expect(await told()).toEqual([['alert.raised', 'medium', 1]]);
  });

  it('counts what happens again on the open alert, also of many at once, and tells again when it gets worse', async () => {
    await Promise.all(Array.from({ length: 8 }, () => raise()));
    platform.clock.advance(60_000);
    await raise({ severity: 'high', numbers: { failures: 90 }, count: 5 });
    const [alert, ...others] = await list();
    expect(others).toEqual([]);
    expect(alert).toMatchObject({ count: 13, severity: 'high', numbers: { failures: 90 }, firstAt: NOW });
    expect(alert?.lastAt).toBe('2026-11-25T12:01:00.000Z');
    expect(await told()).toEqual([
      ['alert.raised', 'medium', 1],
      ['alert.raised', 'high', 13],
    ]);
  });

  it('raises nothing new while it cools down, and does afterwards', async () => {
    const { id } = await raise();
    await call('POST', `/v1/alerts/${id}/resolve`, {});
    platform.clock.advance(HOUR - 1);
    expect(await raise()).toMatchObject({ id, count: 2, status: 'resolved' });
    platform.clock.advance(HOUR);
    expect((await raise()).id).not.toBe(id);
    expect((await told()).map(([type]) => type)).toEqual(['alert.raised', 'alert.resolved', 'alert.raised']);
  });

  it('keeps matters, workspaces and rules that are tried out apart', async () => {
    const other = (await call('POST', '/v1/workspaces', { name: 'other' })).json();
    await raise();
    await raise({ dedupeKey: 'failure_spike:berta' });
    await raise({ workspaceId: other.id });
    await raise({ shadow: true });
    expect(await list()).toHaveLength(2);
    expect(await list('?shadow=true')).toMatchObject([{ shadow: true }]);
    expect((await call('GET', '/v1/alerts', undefined, other.key)).json().items).toHaveLength(1);
    expect(await told()).toHaveLength(2);
  });

  it('resolves by itself what has not happened again, and says so', async () => {
    await raise();
    await raise({ dedupeKey: 'stays', resolveAfterSeconds: undefined });
    platform.clock.advance(1_799_000);
    await app.get(AlertsUpkeep).step();
    expect(await list('?status=open')).toHaveLength(2);
    platform.clock.advance(1000);
    await app.get(AlertsUpkeep).step();
    expect(await list('?status=resolved')).toMatchObject([{ resolvedBy: 'system', subject: 'anna' }]);
    expect((await told()).at(-1)).toEqual(['alert.resolved', 'medium', 1]);
  });

  it('lets people acknowledge, assign and resolve, once, and keeps who did in the audit log', async () => {
    const { id } = await raise();
    const path = `/v1/alerts/${id}`;
    expect((await call('POST', `${path}/acknowledge`)).json()).toMatchObject({ status: 'acknowledged' });
    expect((await call('POST', `${path}/assign`, { assignee: 'Berta' })).json()).toMatchObject({ assignee: 'Berta' });
    expect(await list('?assignee=Berta&status=acknowledged')).toHaveLength(1);
    const resolved = await call('POST', `${path}/resolve`, { resolution: 'It was a test' });
    expect(resolved.json()).toMatchObject({ status: 'resolved', resolution: 'It was a test', resolvesAt: null });
    for (const step of ['acknowledge', 'resolve'])
      expect((await call('POST', `${path}/${step}`, {})).json()).toMatchObject({
        status: 409,
        type: 'urn:signet:problem:alert-resolved',
      });
    const audit: { record: { action: string } }[] = await platform.dataSource.query(
      `SELECT record FROM audit.entries WHERE record->>'alertId' = $1 ORDER BY 1`,
      [id],
    );
    expect(audit.map(({ record }) => record.action).toSorted()).toEqual([
      'alert.acknowledge',
      'alert.assign',
      'alert.resolve',
    ]);
  });

  it('mutes what agrees with everything a mute names, until it ends or is ended', async () => {
    const muted = await call('POST', '/v1/alert-mutes', { kind: 'failure_spike', subject: 'anna', seconds: 600 });
    expect(muted.statusCode).toBe(201);
    expect(await raise()).toMatchObject({ muted: true });
    expect(await raise({ dedupeKey: 'b', subject: 'berta' })).toMatchObject({ muted: false });
    expect(await told()).toHaveLength(1);
    const mutes: AlertMute[] = (await call('GET', '/v1/alert-mutes')).json().items;
    expect(mutes).toMatchObject([{ kind: 'failure_spike', subject: 'anna', until: '2026-11-25T12:10:00.000Z' }]);
    expect((await call('DELETE', `/v1/alert-mutes/${mutes[0]?.id}`)).statusCode).toBe(204);
    expect(await raise()).toMatchObject({ muted: false, count: 2 });
    expect(await told()).toHaveLength(2);
    const nothing = await call('POST', '/v1/alert-mutes', { seconds: 600 });
    expect(nothing.json()).toMatchObject({ status: 422, errors: [{ path: 'kind' }] });
  });

  it('lists the newest first, page by page, and filters', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      ids.unshift((await raise({ dedupeKey: `k${index}`, severity: index % 2 ? 'high' : 'low' })).id);
      platform.clock.advance(1000);
    }
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const answer = await call('GET', `/v1/alerts?limit=2${cursor && `&cursor=${cursor}`}`);
      const page = answer.json<{ items: Alert[]; nextCursor: string | null }>();
      seen.push(...page.items.map((alert) => alert.id));
      cursor = page.nextCursor;
    }
    expect(seen).toEqual(ids);
    expect(await list('?severity=high')).toHaveLength(2);
    expect(await list('?from=2026-11-25T12:00:03Z')).toHaveLength(2);
    expect(await list('?subject=nobody')).toEqual([]);
    expect((await call('GET', '/v1/alerts?cursor=x')).statusCode).toBe(400);
    expect((await call('GET', '/v1/alerts?severity=bad')).statusCode).toBe(422);
  });

  it('lets a key that only reads change nothing, and nobody see the alerts of others', async () => {
    const { id } = await raise();
    expect((await call('GET', `/v1/alerts/${id}`, undefined, reader)).statusCode).toBe(200);
    for (const step of ['acknowledge', 'resolve'])
      expect((await call('POST', `/v1/alerts/${id}/${step}`, {}, reader)).statusCode).toBe(403);
    const other = (await call('POST', '/v1/workspaces', { name: 'others' })).json();
    expect((await call('GET', `/v1/alerts/${id}`, undefined, other.key)).statusCode).toBe(404);
    expect((await call('POST', `/v1/alerts/${id}/acknowledge`, undefined, other.key)).statusCode).toBe(404);
  });

  it('deletes alerts when they are no longer kept, and takes the name out of those of an erased subject', async () => {
    const { id } = await raise();
    const erase = { workspaceId, subject: 'anna', pseudonym: 'erased:1', until: platform.clock.now() };
    expect(await platform.dataSource.transaction((manager) => app.get(Alerts).forget(manager, erase))).toBe(1);
    const text = (await call('GET', `/v1/alerts/${id}`)).body;
    expect(text).not.toContain('anna');
    expect(JSON.parse(text)).toMatchObject({ subject: 'erased:1', numbers: { failures: 40 } });
    await call('POST', `/v1/alerts/${id}/resolve`, {});
    platform.clock.advance(366 * 24 * HOUR);
    await app.get(AlertsUpkeep).step();
    expect(await list()).toEqual([]);
  });
});
