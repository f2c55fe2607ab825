import { AccessModule, AccessService, accessMigrations } from '@signet/access';
import { AuditModule, auditMigrations } from '@signet/audit';
import { CodeSchema, type Code } from '@signet/contracts';
import { newId } from '@signet/platform';
import { createTestApp, openTestPlatform, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { codesMigrations } from './codes.migrations.js';
import { CodesModule } from './codes.module.js';

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
afterAll(async () => {
  await app.close();
  await platform.close();
});

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
const call = (method: Method, url: string, payload?: object, headers: Record<string, string> = {}, key = admin) =>
  app.inject({ method, url, payload, headers: { authorization: `Bearer ${key}`, ...headers } });
const create = async (body: object = {}): Promise<Code> =>
  (await call('POST', '/v1/codes', { target: { url: 'https://example.org/' }, ...body })).json();
const kindOf = (answer: Awaited<ReturnType<typeof call>>): [number, string] => [
  answer.statusCode,
  answer.json().type.replace('urn:signet:problem:', ''),
];

/** Every change of the lifecycle, with a body where it takes one. */
const changes: [string, Method, string, object?][] = [
  ['pause', 'POST', '/pause'],
  ['resume', 'POST', '/resume'],
  ['revoke', 'POST', '/revoke', { reason: 'lost' }],
  ['archive', 'DELETE', ''],
  ['reissue', 'POST', '/reissue', { reason: 'lost' }],
  ['restore', 'POST', '/restore', { version: 1 }],
];

describe('over HTTP', () => {
  it.each([
    ['paused', 'POST', '/pause'],
    ['archived', 'DELETE', ''],
  ] as const)('a code is %s, and is so however often that is asked for', async (status, method, path) => {
    const { id } = await create();
    for (let time = 0; time < 3; time += 1) {
      const answer = await call(method, `/v1/codes/${id}${path}`);
      expect([answer.statusCode, answer.headers['etag'], answer.headers['cache-control']]).toEqual([
        200,
        '"2"',
        'no-store',
      ]);
      expect(CodeSchema.parse(answer.json())).toMatchObject({ id, status, version: 2, propagation: 'effective' });
    }
  });

  it('a code that was never paused is resumed without a new version', async () => {
    const { id } = await create();
    const answer = await call('POST', `/v1/codes/${id}/resume`);
    expect([answer.statusCode, answer.headers['etag'], answer.json().status]).toEqual([200, '"1"', 'active']);
  });

  it('a reissued code is answered 201 with its location, and once for an Idempotency-Key', async () => {
    const { id, slug } = await create({ title: 'Menu' });
    const url = `/v1/codes/${id}/reissue`;
    const headers = { 'idempotency-key': newId() };
    const first = await call('POST', url, { reason: 'copied' }, headers);
    const fresh = CodeSchema.parse(first.json());
    expect([first.statusCode, first.headers['location'], first.headers['etag']]).toEqual([
      201,
      `/v1/codes/${fresh.id}`,
      '"1"',
    ]);
    expect(fresh).toMatchObject({ title: 'Menu', reissuedFrom: id, shortUrl: `https://sgn.example/${fresh.slug}` });
    expect(fresh.slug).not.toBe(slug);
    const second = await call('POST', url, { reason: 'copied' }, headers);
    expect([second.statusCode, second.json()]).toEqual([201, first.json()]);
    expect(kindOf(await call('POST', url, { reason: 'copied' }))).toEqual([409, 'code-not-editable']);
    expect((await call('GET', `/v1/codes/${id}`)).json()).toMatchObject({ status: 'revoked', reissuedAs: fresh.id });
  });

  it('a former version is restored as a new one', async () => {
    const { id } = await create({ title: 'a' });
    await call('PATCH', `/v1/codes/${id}`, { title: 'b' });
    const answer = await call('POST', `/v1/codes/${id}/restore`, { version: 1 }, { 'if-match': '"2"' });
    expect([answer.statusCode, answer.headers['etag'], answer.json().title]).toEqual([200, '"3"', 'a']);
    const history = (await call('GET', `/v1/codes/${id}/history?limit=1`)).json();
    expect(history.items).toMatchObject([{ version: 3, action: 'restored', restoredVersion: 1 }]);
  });

  it.each([
    [{}, 'version'],
    [{ version: 0 }, 'version'],
    [{ version: '1' }, 'version'],
    [{ version: 7 }, 'version'],
    [{ version: 1, title: 'x' }, 'title'],
  ])('%j is refused as a version to restore', async (payload, path) => {
    const { id } = await create();
    const answer = await call('POST', `/v1/codes/${id}/restore`, payload);
    expect([...kindOf(answer), answer.json().errors[0].path]).toEqual([422, 'invalid-request', path]);
  });

  it('a reissue needs a reason', async () => {
    const { id } = await create();
    expect(kindOf(await call('POST', `/v1/codes/${id}/reissue`, {}))).toEqual([422, 'invalid-request']);
    expect((await call('GET', `/v1/codes/${id}`)).json().status).toBe('active');
  });

  it.each(changes)('%s needs the scope, the workspace, and the version that is there', async (...change) => {
    const [, method, path, payload] = change;
    const { id } = await create();
    await call('PATCH', `/v1/codes/${id}`, { title: 'b' });
    const url = `/v1/codes/${id}${path}`;
    const key: string = (await call('POST', '/v1/api-keys', { name: 'k', scopes: ['codes:read'] })).json().key;
    const stranger: string = (await call('POST', '/v1/workspaces', { name: 'other' })).json().key;
    expect(kindOf(await call(method, url, payload, {}, key))).toEqual([403, 'forbidden']);
    expect(kindOf(await call(method, url, payload, {}, stranger))).toEqual([404, 'not-found']);
    expect(kindOf(await call(method, url, payload, { 'if-match': '"1"' }))).toEqual([412, 'version-mismatch']);
    expect(kindOf(await call(method, `/v1/codes/x${path}`, payload))).toEqual([404, 'not-found']);
    expect((await call('GET', `/v1/codes/${id}`)).json()).toMatchObject({ version: 2, status: 'active' });
  });

  it('an archived code takes no change but the one that it has, and is listed when it is asked for', async () => {
    const folder = newId();
    const { id } = await create({ folder });
    await call('DELETE', `/v1/codes/${id}`);
    for (const [name, method, path, payload] of changes) {
      const answer = await call(method, `/v1/codes/${id}${path}`, payload);
      expect([name, answer.statusCode]).toEqual([name, name === 'archive' ? 200 : 409]);
    }
    expect(kindOf(await call('PATCH', `/v1/codes/${id}`, { title: 'x' }))).toEqual([409, 'code-not-editable']);
    const ids = async (query: string): Promise<string[]> =>
      (await call('GET', `/v1/codes?folder=${folder}${query}`)).json().items.map((code: Code) => code.id);
    expect([await ids(''), await ids('&status=archived')]).toEqual([[], [id]]);
  });
});
