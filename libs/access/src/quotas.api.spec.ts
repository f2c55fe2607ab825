import { auditMigrations } from '@signet/audit';
import { UsageSchema, type Scope } from '@signet/contracts';
import { newId } from '@signet/platform';
import { createTestApp, openTestPlatform, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { accessMigrations } from './access.migrations.js';
import { AccessModule } from './access.module.js';
import { AccessService } from './access.service.js';

describe('quotas and limits', () => {
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let admin: string;
  beforeAll(async () => {
    platform = await openTestPlatform([...auditMigrations, ...accessMigrations], {
      SIGNET_QUOTA_CODES: '100',
      SIGNET_KEY_REQUESTS_PER_SECOND: '50',
    });
    app = await createTestApp(platform, [AccessModule]);
    admin = (await app.get(AccessService).bootstrap()) ?? '';
  });
  afterAll(async () => {
    await app.close();
    await platform.close();
  });

  const call = (method: 'GET' | 'POST' | 'PUT', url: string, payload?: object, key = admin) =>
    app.inject({ method, url, payload, headers: { authorization: `Bearer ${key}` } });
  const otherWorkspace = async (): Promise<{ id: string; key: string }> =>
    (await call('POST', '/v1/workspaces', { name: 'other' })).json();
  const keyWith = async (scopes: Scope[], by = admin): Promise<string> =>
    (await call('POST', '/v1/api-keys', { name: 'k', scopes }, by)).json().key;

  it('are the installation’s until a workspace gets its own', async () => {
    const { id, key } = await otherWorkspace();
    const before = UsageSchema.parse((await call('GET', '/v1/usage', undefined, key)).json());
    expect(before).toEqual({
      workspaceId: id,
      codes: { limit: 100, used: 0 },
      writesPerMinute: { limit: null },
      bulkRows: { limit: 100_000 },
      fileBytes: { limit: null, used: 0 },
    });
    const quotas = { codes: 0, writesPerMinute: 7, bulkRows: 50, fileBytes: 5_000_000_000 };
    const put = await call('PUT', `/v1/workspaces/${id}/quotas`, quotas);
    expect([put.statusCode, put.json()]).toEqual([200, (await call('GET', '/v1/usage', undefined, key)).json()]);
    expect(put.json()).toMatchObject({
      codes: { limit: null },
      writesPerMinute: { limit: 7 },
      bulkRows: { limit: 50 },
      fileBytes: { limit: 5_000_000_000, used: 0 },
    });
    expect((await call('GET', '/v1/usage')).json()).toMatchObject({ codes: { limit: 100 } });
    expect((await call('PUT', `/v1/workspaces/${id}/quotas`, {})).json()).toEqual(before);
  });

  it('are set by nobody for themselves but the first workspace', async () => {
    const { id, key } = await otherWorkspace();
    expect((await call('PUT', `/v1/workspaces/${id}/quotas`, { codes: 0 }, key)).statusCode).toBe(403);
    expect((await call('PUT', `/v1/workspaces/${newId()}/quotas`, { codes: 0 })).statusCode).toBe(404);
    expect((await call('PUT', `/v1/workspaces/${id}/quotas`, { codes: -1 })).statusCode).toBe(422);
  });

  it('are seen by a key without scopes', async () => {
    expect((await call('GET', '/v1/usage', undefined, await keyWith([]))).statusCode).toBe(200);
  });

  it('tell how the limits of a key stand, and refuse writes beyond them, but no reads', async () => {
    const { id, key } = await otherWorkspace();
    await call('PUT', `/v1/workspaces/${id}/quotas`, { writesPerMinute: 2 });
    const write = (by: string) => call('POST', '/v1/api-keys', { name: 'k', scopes: [] }, by);
    const first = await write(key);
    expect([first.statusCode, first.headers['ratelimit-policy']]).toEqual([
      201,
      '"requests";q=50;w=1, "writes";q=2;w=60',
    ]);
    expect(first.headers['ratelimit']).toMatch(/^"requests";r=\d+;t=1, "writes";r=1;t=\d+$/);
    const other = await keyWith(['admin'], key);
    const refused = await write(key);
    expect(refused.statusCode).toBe(429);
    expect(refused.json()).toMatchObject({ type: 'urn:signet:problem:too-many-requests', limit: 2 });
    expect(refused.headers['ratelimit']).toMatch(/"writes";r=0;t=\d+$/);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await call('GET', '/v1/api-keys', undefined, key)).statusCode).toBe(200);
    expect((await write(other)).statusCode).toBe(201);
  });
});
