import { AccessModule, AccessService, accessMigrations } from '@signet/access';
import { auditMigrations } from '@signet/audit';
import { CodeResolutionSchema, type Code, type CodeResolution } from '@signet/contracts';
import { newId } from '@signet/platform';
import { createTestApp, openTestPlatform, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { codesMigrations } from './codes.migrations.js';
import { CodesModule } from './codes.module.js';

describe('POST /v1/codes/{id}/resolve', () => {
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let admin: string;
  beforeAll(async () => {
    platform = await openTestPlatform([...auditMigrations, ...accessMigrations, ...codesMigrations], {
      SIGNET_PUBLIC_URL: 'https://sgn.example',
    });
    app = await createTestApp(platform, [AccessModule, CodesModule]);
    admin = (await app.get(AccessService).bootstrap()) ?? '';
  });
  afterAll(async () => {
    await app.close();
    await platform.close();
  });

  const call = (method: 'GET' | 'POST' | 'DELETE', url: string, payload?: object, key = admin) =>
    app.inject({ method, url, payload, headers: { authorization: `Bearer ${key}` } });
  const create = async (body: object = {}): Promise<Code> => {
    const answer = await call('POST', '/v1/codes', { target: { url: 'https://own.example/' }, ...body });
    expect([answer.statusCode, answer.body]).toEqual([201, expect.any(String)]);
    return answer.json();
  };
  const resolve = async (id: string, scan: object = {}): Promise<CodeResolution> => {
    const answer = await call('POST', `/v1/codes/${id}/resolve`, scan);
    expect([answer.statusCode, answer.body]).toEqual([200, expect.any(String)]);
    return CodeResolutionSchema.parse(answer.json());
  };
  const to = (name: string) => ({ url: `https://${name}.example/` });
  const rules = [
    { when: { device: 'phone', os: ['ios', 'android'], country: 'DE' }, target: to('phones-de') },
    {
      when: { timeWindow: { days: [6, 7], from: '10:00', to: '18:00', timeZone: 'Europe/Berlin' } },
      target: to('weekend'),
    },
    { when: { language: ['de', 'fr'], visit: 'returning' }, target: to('again') },
    { when: { weight: 50, sticky: true }, target: to('half') },
  ];
  // A Wednesday.
  const at = '2026-11-25T12:00:00.000Z';

  it('says which rule takes a scan, where that leads, and why the ones before it do not', async () => {
    const { id } = await create({ rules });
    const german = await resolve(id, { device: 'phone', os: 'android', country: 'DE', at });
    expect(german).toMatchObject({ at, status: 'active', rule: 0, target: to('phones-de'), url: to('phones-de').url });
    expect(german.why).toBe('Rule 0 decides. Every condition of the rule holds.');

    const sunday = await resolve(id, {
      device: 'phone',
      os: 'android',
      country: 'AT',
      at: '2026-11-29T11:30:00+01:00',
    });
    expect(sunday).toMatchObject({ at: '2026-11-29T10:30:00.000Z', rule: 1, url: to('weekend').url });
    expect(sunday.trace).toEqual([
      { rule: 0, matched: false, why: 'The country is AT, and the rule asks for DE.' },
      { rule: 1, matched: true, why: 'Every condition of the rule holds.' },
    ]);

    const again = await resolve(id, { language: ['pt', 'fr-CH'], visit: 'returning', at });
    expect(again).toMatchObject({ rule: 2, url: to('again').url });
    expect(again.trace[1]?.why).toBe(
      'It is Wednesday 13:00 in Europe/Berlin, and the rule asks for 10:00 to 18:00 on Saturday, Sunday.',
    );
  });

  it('takes what is left out for not known, an empty body for nothing, and now for the time', async () => {
    const { id } = await create({ rules: rules.slice(0, 3) });
    const answer = await call('POST', `/v1/codes/${id}/resolve`);
    expect(answer.json()).toMatchObject({
      at: platform.clock.now().toISOString(),
      rule: null,
      target: to('own'),
      url: to('own').url,
      why: 'No rule matches, so the code’s own target decides.',
      trace: [{ why: 'The device is not known, and the rule asks for phone.' }, { matched: false }, { matched: false }],
    });
    expect((await resolve((await create()).id)).why).toBe('There are no rules, so the code’s own target decides.');
  });

  it('answers the same for the same visitor, and for the same draw', async () => {
    const { id } = await create({ rules: [...rules.slice(3), { when: { weight: 30 }, target: to('third') }] });
    const sides = new Map<string, string | null>();
    for (let visitor = 0; visitor < 30; visitor += 1) {
      const name = `visitor-${visitor}`;
      const { url } = await resolve(id, { visitor: name, draw: 0.9 });
      sides.set(name, url);
      expect((await resolve(id, { visitor: name, draw: 0.9 })).url).toBe(url);
    }
    expect(new Set(sides.values())).toEqual(new Set([to('half').url, to('own').url]));
    const { draw, url } = await resolve(id);
    expect([(await resolve(id, { draw })).url, (await resolve(id, { draw })).draw]).toEqual([url, draw]);
    expect(await resolve(id, { draw: 0.49 })).toMatchObject({ rule: 0, why: expect.stringContaining('50 %') });
  });

  it('adds the query as the redirect does', async () => {
    const { id } = await create({ forwardQuery: true, utm: { source: 'poster' } });
    expect((await resolve(id, { query: 'table=4&utm_source=bus' })).url).toBe(
      'https://own.example/?table=4&utm_source=bus',
    );
    expect((await resolve(id)).url).toBe('https://own.example/?utm_source=poster');
  });

  it('sends each phone to the store of its own', async () => {
    const target = { ios: 'https://apps.apple.com/app/id1', fallback: 'https://web.example/' };
    const { id } = await create({ kind: 'app', target });
    expect(await resolve(id, { os: 'ios' })).toMatchObject({
      url: target.ios,
      why: 'There are no rules, so the store of ios decides.',
    });
    expect(await resolve(id, { os: 'android' })).toMatchObject({
      url: target.fallback,
      target: { url: target.fallback },
    });
  });

  it('says that a page shows everybody the same', async () => {
    const target = { type: 'links', title: 'Us', links: [{ label: 'Web', url: 'https://web.example/' }] };
    const { id } = await create({ kind: 'page', target });
    expect(await resolve(id, { os: 'ios' })).toMatchObject({
      rule: null,
      target: null,
      url: null,
      why: 'A code of kind page shows everybody the same.',
    });
  });

  it('says what a code that is off then does, and what its rules would do', async () => {
    const offUrl = 'https://off.example/';
    const times = { activeFrom: '2099-01-01T00:00:00Z', expiresAt: '2099-02-01T00:00:00Z' };
    const { id } = await create({ rules, ...times, offUrl });
    const phone = { device: 'phone', os: 'ios', country: 'DE' };
    expect(await resolve(id, phone)).toMatchObject({ status: 'scheduled', rule: 0, url: offUrl });
    expect(await resolve(id, { ...phone, at: '2099-01-01T00:00:00Z' })).toMatchObject({
      status: 'active',
      url: to('phones-de').url,
    });
    expect(await resolve(id, { ...phone, at: '2099-02-01T00:00:00Z' })).toMatchObject({
      status: 'expired',
      url: offUrl,
    });
    const plain = await create();
    await call('POST', `/v1/codes/${plain.id}/pause`);
    const paused = await resolve(plain.id);
    expect(paused).toMatchObject({ status: 'paused', url: null, target: to('own') });
    expect(paused.why).toContain('gets the page that says so');
  });

  it('leads nobody on from a protected code that was revoked, as the redirect does not', async () => {
    const { id } = await create({ maxScans: 1, offUrl: 'https://off.example/' });
    await call('POST', `/v1/codes/${id}/revoke`, { reason: 'lost' });
    expect(await resolve(id)).toMatchObject({ status: 'revoked', url: null });
  });

  it('uses and changes nothing', async () => {
    const { id, version } = await create({ maxScans: 1 });
    for (let times = 0; times < 3; times += 1) await resolve(id);
    expect((await call('GET', `/v1/codes/${id}`)).json()).toMatchObject({ version, scansUsed: 0, status: 'active' });
  });

  it.each([
    [{ device: 'watch' }, 'device'],
    [{ os: 'beos' }, 'os'],
    [{ country: 'Germany' }, 'country'],
    [{ language: 'German, please' }, 'language'],
    [{ language: [] }, 'language'],
    [{ at: 'tomorrow' }, 'at'],
    [{ visit: 'second' }, 'visit'],
    [{ visitor: 'a\nb' }, 'visitor'],
    [{ draw: 1 }, 'draw'],
    [{ query: 'a=\r\nb' }, 'query'],
    [{ ip: '203.0.113.1' }, 'ip'],
  ])('refuses %j', async (scan, path) => {
    const { id } = await create();
    const answer = await call('POST', `/v1/codes/${id}/resolve`, scan);
    expect([answer.statusCode, answer.json().errors[0].path]).toEqual([422, path]);
  });

  it('needs the scope to read, and the workspace', async () => {
    const { id } = await create();
    const keyWith = async (scope: string): Promise<string> =>
      (await call('POST', '/v1/api-keys', { name: 'k', scopes: [scope] })).json().key;
    const url = `/v1/codes/${id}/resolve`;
    expect((await call('POST', url, {}, await keyWith('codes:read'))).statusCode).toBe(200);
    expect((await call('POST', url, {}, await keyWith('analytics:read'))).statusCode).toBe(403);
    const stranger: string = (await call('POST', '/v1/workspaces', { name: 'other' })).json().key;
    expect((await call('POST', url, {}, stranger)).statusCode).toBe(404);
    expect((await call('POST', `/v1/codes/${newId()}/resolve`, {})).statusCode).toBe(404);
  });
});
