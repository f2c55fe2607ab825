import { AccessModule, AccessService, accessMigrations } from '@signet/access';
import { AuditModule, auditMigrations } from '@signet/audit';
import { newId } from '@signet/platform';
import { createTestApp, openTestPlatform, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { codesMigrations } from './codes.migrations.js';
import { CodesModule } from './codes.module.js';

describe('/v1/settings/targets', () => {
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let admin: string;
  beforeAll(async () => {
    platform = await openTestPlatform([...auditMigrations, ...accessMigrations, ...codesMigrations], {
      SIGNET_PUBLIC_URL: 'https://sgn.example',
    });
    app = await createTestApp(platform, [AuditModule, AccessModule, CodesModule]);
    admin = (await app.get(AccessService).bootstrap()) ?? '';
  });
  beforeEach(async () => {
    await put({});
  });
  afterAll(async () => {
    await app.close();
    await platform.close();
  });

  const call = (method: 'GET' | 'POST' | 'PUT' | 'PATCH', url: string, payload?: object, key = admin) =>
    app.inject({ method, url, payload, headers: { authorization: `Bearer ${key}` } });
  const put = (payload: object) => call('PUT', '/v1/settings/targets', payload);
  const create = (url: string, more: object = {}) =>
    call('POST', '/v1/codes', { kind: 'link', target: { url }, ...more });
  const refusal = async (answer: ReturnType<typeof create>): Promise<unknown> => {
    const { type, errors = [] } = (await answer).json();
    return type && [type, errors.map(({ path }: { path: string }) => path).join()];
  };
  const NOT_ALLOWED = 'urn:signet:problem:target-not-allowed';

  it('say where codes may lead, to administrators only', async () => {
    const settings = { allowedHosts: ['*.example.com'], allowedSchemes: ['myapp'] };
    expect((await put(settings)).json()).toEqual(settings);
    expect((await call('GET', '/v1/settings/targets')).json()).toEqual(settings);
    const { key } = (await call('POST', '/v1/api-keys', { name: 'k', scopes: ['codes:write'] })).json();
    expect((await call('GET', '/v1/settings/targets', undefined, key)).statusCode).toBe(200);
    expect((await call('PUT', '/v1/settings/targets', settings, key)).statusCode).toBe(403);
  });

  it('are another workspace’s own', async () => {
    await put({ allowedHosts: ['example.com'] });
    const { key } = (await call('POST', '/v1/workspaces', { name: 'other' })).json();
    const answer = await call('POST', '/v1/codes', { target: { url: 'https://example.org/' } }, key);
    expect(answer.statusCode).toBe(201);
  });

  it('bind whatever is issued, edited, restored and reissued from then on', async () => {
    const { id } = (await create('https://old.example/')).json();
    await call('PATCH', `/v1/codes/${id}`, { target: { url: 'https://example.com/' } });
    await put({ allowedHosts: ['example.com', '*.example.com'] });
    expect(await refusal(create('https://old.example/'))).toEqual([NOT_ALLOWED, 'target.url']);
    expect(await refusal(create('https://example.com/', { offUrl: 'https://old.example/' }))).toEqual([
      NOT_ALLOWED,
      'offUrl',
    ]);
    const rules = [{ when: { os: 'ios' }, target: { url: 'https://old.example/' } }];
    expect(await refusal(call('PATCH', `/v1/codes/${id}`, { rules }))).toEqual([NOT_ALLOWED, 'rules.0.target.url']);
    expect(await refusal(call('POST', `/v1/codes/${id}/restore`, { version: 1 }))).toEqual([NOT_ALLOWED, 'target.url']);
    expect((await call('PATCH', `/v1/codes/${id}`, { title: 'Still editable' })).statusCode).toBe(200);
    await put({ allowedHosts: ['elsewhere.example'] });
    expect(await refusal(call('POST', `/v1/codes/${id}/reissue`, { reason: 'lost' }))).toEqual([
      NOT_ALLOWED,
      'target.url',
    ]);
  });

  it('let an app be opened by its scheme only when it is named', async () => {
    const more = { target: { url: 'https://example.org/', deepLink: 'myapp://open' } };
    expect(await refusal(create('', more))).toEqual([NOT_ALLOWED, 'target.deepLink']);
    await put({ allowedSchemes: ['MyApp:'] });
    expect((await create('', more)).statusCode).toBe(201);
    const script = { target: { url: 'https://example.org/', deepLink: 'javascript:alert(1)' } };
    expect(await refusal(create('', script))).toEqual(['urn:signet:problem:invalid-request', 'target.deepLink']);
  });

  it('cannot allow what no code may do', async () => {
    for (const scheme of ['javascript', 'data:', 'FILE', 'blob', 'vbscript'])
      expect([scheme, (await put({ allowedSchemes: [scheme] })).statusCode]).toEqual([scheme, 422]);
  });

  it('show beside each code the host that it leads to, as people read it', async () => {
    const { targetHost } = (await create('https://xn--80ak6aa92e.com/')).json();
    expect(targetHost).toEqual({
      ascii: 'xn--80ak6aa92e.com',
      unicode: 'аррӏе.com',
      warning: 'looks-like-ascii',
      looksLike: 'apple.com',
    });
  });

  it('check nobody else’s code', async () => {
    expect((await call('POST', `/v1/codes/${newId()}/check`)).statusCode).toBe(404);
  });
});
