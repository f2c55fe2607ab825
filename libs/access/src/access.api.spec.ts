import { AuditModule, auditMigrations } from '@signet/audit';
import type { ApiKey, Scope } from '@signet/contracts';
import { createTestApp, openTestPlatform, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { accessMigrations } from './access.migrations.js';
import { AccessModule } from './access.module.js';
import { AccessService } from './access.service.js';

describe('access', () => {
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let admin: string;
  beforeAll(async () => {
    platform = await openTestPlatform([...auditMigrations, ...accessMigrations]);
    app = await createTestApp(platform, [AuditModule, AccessModule]);
    admin = (await app.get(AccessService).bootstrap()) ?? '';
  });
  afterAll(async () => {
    await app.close();
    await platform.close();
  });

  const call = (
    key: string | undefined,
    method: 'GET' | 'POST' | 'DELETE',
    url: string,
    payload?: object,
    headers: Record<string, string> = {},
  ) =>
    app.inject({
      method,
      url,
      payload,
      headers: { ...(key === undefined ? {} : { authorization: `Bearer ${key}` }), ...headers },
    });
  const newKey = async (scopes: Scope[], more: object = {}): Promise<ApiKey & { key: string }> => {
    const answer = await call(admin, 'POST', '/v1/api-keys', { name: 'k', scopes, ...more });
    expect(answer.statusCode).toBe(201);
    return answer.json();
  };

  it('makes one first workspace, however many ask', async () => {
    expect(admin).toMatch(/^sgk_[A-Za-z0-9]{43}$/);
    expect(await Promise.all([app.get(AccessService).bootstrap(), app.get(AccessService).bootstrap()])).toEqual([
      undefined,
      undefined,
    ]);
  });

  it('tells a key who it is', async () => {
    expect((await call(admin, 'GET', '/v1/whoami')).json()).toMatchObject({ workspace: 'default', name: 'admin' });
    const { key } = await newKey([]);
    expect((await call(key, 'GET', '/v1/whoami')).json()).toMatchObject({ scopes: [] });
  });

  it.each([
    ['no key', undefined],
    ['an unknown key', `sgk_${'x'.repeat(43)}`],
    ['an endless key', 'x'.repeat(5000)],
  ])('asks for a key: %s', async (_what, key) => {
    const answer = await call(key, 'GET', '/v1/api-keys');
    expect([answer.statusCode, answer.json().type, answer.headers['www-authenticate']]).toEqual([
      401,
      'urn:signet:problem:unauthenticated',
      'Bearer realm="signet"',
    ]);
  });

  it('refuses a key without the scope and says which', async () => {
    const { key } = await newKey(['codes:write']);
    const answer = await call(key, 'GET', '/v1/api-keys');
    expect([answer.statusCode, answer.json().detail]).toEqual([403, 'This call needs the scope admin']);
  });

  it('shows a key once and stores only its hash', async () => {
    const created = await newKey(['verify']);
    const listed = await call(admin, 'GET', '/v1/api-keys?limit=200');
    expect(listed.json().items.map(({ id }: ApiKey) => id)).toContain(created.id);
    expect(listed.body).not.toContain(created.key);
    const rows = JSON.stringify(
      await platform.dataSource.query('SELECT id, name, prefix, encode(key_hash, $1) FROM access.api_keys', ['escape']),
    );
    expect(rows).not.toContain(created.key);
  });

  it('revokes a key at once, and a key that is not there is 404', async () => {
    const { id, key } = await newKey(['audit:read']);
    expect((await call(key, 'GET', '/v1/audit')).statusCode).toBe(200);
    expect((await call(admin, 'DELETE', `/v1/api-keys/${id}`)).statusCode).toBe(204);
    expect((await call(key, 'GET', '/v1/audit')).statusCode).toBe(401);
    expect((await call(admin, 'DELETE', `/v1/api-keys/${id}`)).statusCode).toBe(404);
  });

  it('ends a key when it expires', async () => {
    const expiresAt = new Date(platform.clock.now().getTime() + 60_000).toISOString();
    const { key } = await newKey(['audit:read'], { expiresAt });
    expect((await call(key, 'GET', '/v1/whoami')).statusCode).toBe(200);
    platform.clock.advance(60_000);
    expect((await call(key, 'GET', '/v1/whoami')).statusCode).toBe(401);
  });

  it('keeps workspaces apart', async () => {
    const { id } = await newKey(['verify']);
    const other = (await call(admin, 'POST', '/v1/workspaces', { name: 'other' })).json();
    expect((await call(other.key, 'GET', '/v1/whoami')).json()).toMatchObject({
      workspaceId: other.id,
      workspace: 'other',
    });
    expect((await call(other.key, 'DELETE', `/v1/api-keys/${id}`)).statusCode).toBe(404);
    expect((await call(other.key, 'GET', '/v1/api-keys')).json().items).toHaveLength(1);
  });

  it('pages through keys', async () => {
    for (let index = 0; index < 3; index += 1) await newKey([]);
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { items, nextCursor }: { items: ApiKey[]; nextCursor: string | null } = (
        await call(admin, 'GET', `/v1/api-keys?limit=2${cursor ? `&cursor=${cursor}` : ''}`)
      ).json();
      seen.push(...items.map(({ id }) => id));
      cursor = nextCursor;
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBeGreaterThan(3);
    expect((await call(admin, 'GET', '/v1/api-keys?cursor=!!')).json().type).toBe('urn:signet:problem:invalid-cursor');
  });

  it('answers a repeated Idempotency-Key as the first time, for 24 h, also when both arrive at once', async () => {
    const body = { name: 'once', scopes: [] };
    const headers = { 'idempotency-key': 'abc' };
    const answers = await Promise.all([1, 2, 3].map(() => call(admin, 'POST', '/v1/api-keys', body, headers)));
    expect(new Set(answers.map(({ body: text }) => text)).size).toBe(1);
    const changed = await call(admin, 'POST', '/v1/api-keys', { ...body, name: 'other' }, headers);
    expect([changed.statusCode, changed.json().type]).toEqual([409, 'urn:signet:problem:idempotency-conflict']);
    const stored = JSON.stringify(
      await platform.dataSource.query(`SELECT encode(answer, 'escape') FROM access.idempotent_answers`),
    );
    expect(stored).not.toContain(answers[0]?.json().key);
    platform.clock.advance(24 * 3_600_000 + 1000);
    const later = await call(admin, 'POST', '/v1/api-keys', { ...body, name: 'other' }, headers);
    expect(later.statusCode).toBe(201);
  });

  it('writes an audit entry for each key that comes and goes', async () => {
    const { id } = await newKey([]);
    await call(admin, 'DELETE', `/v1/api-keys/${id}`);
    const { body } = await call(admin, 'GET', '/v1/audit/export');
    const entries = body
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(entries.filter(({ keyId }) => keyId === id).map(({ action }) => action)).toEqual([
      'api-key.create',
      'api-key.revoke',
    ]);
    expect((await call(admin, 'GET', '/v1/audit/verify')).json()).toMatchObject({ ok: true, pending: 0 });
  });
});

describe('the limit of a key', () => {
  it('answers 429 with Retry-After above the burst, and to nobody else', async () => {
    const platform = await openTestPlatform([...auditMigrations, ...accessMigrations], {
      SIGNET_KEY_REQUESTS_PER_SECOND: '1',
      SIGNET_KEY_BURST: '3',
    });
    const app = await createTestApp(platform, [AuditModule, AccessModule]);
    const key = (await app.get(AccessService).bootstrap()) ?? '';
    const ask = () => app.inject({ url: '/v1/api-keys', headers: { authorization: `Bearer ${key}` } });
    const answers = [];
    for (let index = 0; index < 6; index += 1) answers.push(await ask());
    expect(answers.filter(({ statusCode }) => statusCode === 200).length).toBeLessThanOrEqual(5);
    const refused = answers.at(-1);
    expect(refused?.statusCode).toBe(429);
    expect(Number(refused?.headers['retry-after'])).toBeGreaterThan(0);
    await app.close();
    await platform.close();
  });
});
