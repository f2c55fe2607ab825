import { AccessModule, accessMigrations, AccessService } from '@signet/access';
import { AuditModule, auditMigrations } from '@signet/audit';
import type { Policy } from '@signet/contracts';
import { createTestApp, openTestPlatform, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { PoliciesModule } from './policies.module.js';
import { policiesMigrations } from './policies.migrations.js';

describe('/v1/policies', () => {
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let admin: string;

  beforeAll(async () => {
    platform = await openTestPlatform([...auditMigrations, ...accessMigrations, ...policiesMigrations]);
    app = await createTestApp(platform, [AccessModule, AuditModule, PoliciesModule]);
    admin = (await app.get(AccessService).bootstrap()) ?? '';
  });
  afterAll(async () => {
    await app.close();
    await platform.close();
  });

  const call = (
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    url: string,
    payload?: object,
    headers: Record<string, string> = {},
    key = admin,
  ) => app.inject({ method, url, payload, headers: { authorization: `Bearer ${key}`, ...headers } });
  const create = async (terms: object): Promise<Policy> => {
    const answer = await call('POST', '/v1/policies', terms);
    expect(answer.statusCode).toBe(201);
    return answer.json();
  };

  it('creates with defaults, answers it again, and creates once for one Idempotency-Key', async () => {
    const body = { name: 'Admins', mfa: 'required', match: { roles: ['dba'] } };
    const headers = { 'idempotency-key': 'p1' };
    const [first, second] = await Promise.all([1, 2].map(() => call('POST', '/v1/policies', body, headers)));
    const policy = first?.json();
    expect(second?.json()).toEqual(policy);
    expect(policy).toEqual({
      id: expect.any(String),
      name: 'Admins',
      priority: 0,
      enabled: true,
      match: { roles: ['dba'] },
      mfa: 'required',
      enforce: 'every-login',
      graceDays: 0,
      factors: ['totp'],
      totp: { algorithm: 'SHA1', digits: 6, period: 30, driftSteps: 1 },
      recovery: true,
      stepUp: [],
      version: 1,
      requiredSince: platform.clock.now().toISOString(),
      createdAt: platform.clock.now().toISOString(),
      updatedAt: platform.clock.now().toISOString(),
      warnings: [],
    });
    const read = await call('GET', `/v1/policies/${policy.id}`);
    expect([read.json(), read.headers.etag]).toEqual([policy, '"1"']);
  });

  it('keeps every version, who made it and what it said, also after the end', async () => {
    const { id } = await create({ name: 'Kept', mfa: 'optional' });
    const since = platform.clock.advance(60_000) ?? platform.clock.now();
    expect(since).toEqual(platform.clock.now());
    const changed = await call('PATCH', `/v1/policies/${id}`, { mfa: 'required' }, { 'if-match': '"1"' });
    expect(changed.json()).toMatchObject({ version: 2, requiredSince: platform.clock.now().toISOString() });
    await call('PATCH', `/v1/policies/${id}`, { mfa: 'required' });
    const stale = await call('PATCH', `/v1/policies/${id}`, { mfa: 'off' }, { 'if-match': '"1"' });
    expect([stale.statusCode, stale.json().type]).toEqual([412, 'urn:signet:problem:version-mismatch']);
    expect((await call('DELETE', `/v1/policies/${id}`, undefined, { 'if-match': '"1"' })).statusCode).toBe(412);
    expect((await call('DELETE', `/v1/policies/${id}`)).statusCode).toBe(204);
    expect((await call('GET', `/v1/policies/${id}`)).statusCode).toBe(404);
    expect((await call('PATCH', `/v1/policies/${id}`, { mfa: 'off' })).statusCode).toBe(404);
    const { items } = (await call('GET', `/v1/policies/${id}/history`)).json();
    expect(items).toMatchObject([
      { version: 3, action: 'deleted', by: expect.stringMatching(/^key:/) },
      { version: 2, action: 'updated', terms: { mfa: 'required' } },
      { version: 1, action: 'created', terms: { mfa: 'optional', name: 'Kept' } },
    ]);
    const rows: { action: string }[] = await platform.dataSource.query(
      `SELECT record->>'action' AS action FROM audit.entries WHERE record->>'policyId' = $1 ORDER BY position`,
      [id],
    );
    expect(rows.map(({ action }) => action)).toEqual(['policy.create', 'policy.update', 'policy.delete']);
  });

  it('lists in the order in which they decide, page by page', async () => {
    const made = [];
    for (const priority of [700, 900, 800, 900]) made.push((await create({ name: 'L', mfa: 'off', priority })).id);
    const expected = [made[1], made[3], made[2], made[0]];
    const ids: string[] = [];
    for (let cursor = ''; ;) {
      const page = (await call('GET', `/v1/policies?limit=1${cursor && `&cursor=${cursor}`}`)).json();
      ids.push(...page.items.map((policy: Policy) => policy.id));
      if (page.nextCursor === null) break;
      cursor = page.nextCursor;
    }
    expect(ids.slice(0, 4)).toEqual(expected);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('warns of parameters that apps ignore', async () => {
    const { warnings } = await create({ name: 'W', mfa: 'required', totp: { algorithm: 'SHA512', digits: 8 } });
    expect(warnings).toEqual([expect.stringContaining('ignore algorithm SHA512 and 8 digits')]);
  });

  it.each([
    ['a network that is none', { match: { networks: ['10.0.0.0/33'] } }],
    ['a rule that demands nothing', { stepUp: [{ when: {}, require: {} }] }],
    ['a step ahead', { totp: { driftSteps: 2 } }],
    ['an unknown field', { bypass: true }],
    ['an empty list of groups', { match: { groups: [] } }],
  ])('refuses %s', async (_what, terms) => {
    const answer = await call('POST', '/v1/policies', { name: 'x', mfa: 'required', ...terms });
    expect([answer.statusCode, answer.json().type]).toEqual([422, 'urn:signet:problem:invalid-request']);
  });

  it('shows nothing of another workspace', async () => {
    const { id } = await create({ name: 'mine', mfa: 'off' });
    const { key } = (await call('POST', '/v1/workspaces', { name: 'other' })).json();
    const statuses = await Promise.all(
      ['GET', 'PATCH', 'DELETE'].map((method) => call(method as 'GET', `/v1/policies/${id}`, {}, {}, key)),
    );
    expect(statuses.map(({ statusCode }) => statusCode)).toEqual([404, 404, 404]);
    expect((await call('GET', `/v1/policies/${id}/history`, undefined, {}, key)).statusCode).toBe(404);
    expect((await call('GET', '/v1/policies', undefined, {}, key)).json().items).toEqual([]);
  });
});
