import { AccessService } from '@signet/access';
import { AuditSequencer } from '@signet/audit';
import { ErasureSchema, EnrollmentEventSchema, type Erasure } from '@signet/contracts';
import {
  createTestApp,
  openTestDatabase,
  openTestPlatform,
  totp,
  type TestDatabase,
  type TestPlatform,
} from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { MIGRATIONS, MODULES } from './enrollment-app.fixture.js';
import { secretIn } from './enrollment.fixture.js';

const NAME = 'berta-morgenstern';
const EMAIL = 'berta@example.org';

describe('a subject that is erased', () => {
  let database: TestDatabase;
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let admin: string;
  beforeAll(async () => {
    database = await openTestDatabase(MIGRATIONS);
    platform = await openTestPlatform([]);
    // By the grants of the service, where there are roles to connect as.
    const dataSource = database.url ? await database.as('signet_enrollment') : database.dataSource;
    app = await createTestApp({ ...platform, dataSource }, MODULES);
    admin = (await app.get(AccessService).bootstrap()) ?? '';
  });
  afterAll(async () => {
    await app.close();
    await platform.close();
    await database.close();
  });

  const call = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, payload?: object, key = admin) =>
    app.inject({ method, url, payload, headers: { authorization: `Bearer ${key}` } });

  /** Somebody with a factor, recovery codes, and a link that another enrollment took the place of. */
  async function settle(subject: string): Promise<{ codeId: string }> {
    await call('PUT', `/v1/subjects/${subject}`, {
      displayName: 'Berta Morgenstern',
      email: EMAIL,
      groups: ['ops'],
      attributes: { room: 'B 12' },
    });
    const link = await call('POST', '/v1/enrollments', {
      subject,
      delivery: 'link',
      purpose: `new phone of ${subject}`,
    });
    const inline = await call('POST', '/v1/enrollments', { subject, factor: 'totp', delivery: 'inline' });
    const { id, otpauthUri, claimToken } = inline.json();
    const code = totp(secretIn(otpauthUri), platform.clock.now());
    const confirmed = await call('POST', `/v1/enrollments/${id}/confirm`, { code, claimToken });
    expect(confirmed.json()).toMatchObject({ status: 'active' });
    return { codeId: link.json().codeId };
  }

  const finished = async (id: string): Promise<Erasure> => {
    for (;;) {
      const erasure = ErasureSchema.parse((await call('GET', `/v1/erasures/${id}`)).json());
      if (erasure.stores.find(({ store }) => store === 'audit')?.status === 'done') return erasure;
      await app.get(AuditSequencer).chainAll();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const linesOf = (body: string): { kind: string; data: Record<string, unknown> }[] =>
    body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));

  /** Every table that has a row in whose text the person shows. */
  async function tablesNaming(pattern: string): Promise<string[]> {
    const tables: { name: string }[] = await database.dataSource.query(
      `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
       WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`,
    );
    const naming: string[] = [];
    for (const { name } of tables) {
      const [row]: { count: number }[] = await database.dataSource.query(
        `SELECT count(*)::int AS count FROM ${name} t WHERE t::text ILIKE $1`,
        [`%${pattern}%`],
      );
      if (row && row.count > 0) naming.push(name);
    }
    return naming;
  }

  it('can read before what is kept, without secrets', async () => {
    await settle('reader');
    const answer = await call('GET', '/v1/subjects/reader/data');
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, 'application/x-ndjson']);
    const lines = linesOf(answer.body);
    expect(new Set(lines.map(({ kind }) => kind))).toEqual(new Set(['subject', 'factor', 'enrollment', 'audit']));
    expect(lines.find(({ kind }) => kind === 'subject')?.data).toMatchObject({
      email: EMAIL,
      attributes: { room: 'B 12' },
    });
    expect(answer.body).not.toMatch(/secret|otpauth|hash/i);
    expect((await call('GET', '/v1/subjects/nobody/data')).statusCode).toBe(404);
  });

  it('is in no table any more, and the audit log adds up', async () => {
    const { codeId } = await settle(NAME);
    await settle('stays');
    expect(await tablesNaming(NAME)).toEqual(
      expect.arrayContaining(['audit.entries', 'enrollment.enrollments', 'mfa.subjects']),
    );
    const answer = await call('DELETE', `/v1/subjects/${NAME}/data`);
    expect(answer.statusCode).toBe(202);
    const { id } = ErasureSchema.parse(answer.json());
    expect(answer.headers['location']).toBe(`/v1/erasures/${id}`);
    const erasure = await finished(id);
    const byStore = Object.fromEntries(erasure.stores.map(({ store, ...state }) => [store, state]));
    expect(byStore['subjects']).toMatchObject({ status: 'done' });
    expect(byStore['enrollments']).toMatchObject({ status: 'done', records: 2 });
    expect(byStore['audit']?.records).toBeGreaterThan(3);
    expect(byStore['verifications']).toMatchObject({ status: 'pending', finishedAt: null });
    expect(byStore['answers']).toMatchObject({ status: 'expiring', until: expect.stringMatching(/Z$/) });
    expect(byStore['events']).toMatchObject({ status: 'expiring' });

    // What tells the others goes to the event log from here, and is gone with that.
    expect((await tablesNaming(NAME)).filter((table) => table !== 'outbox.events')).toEqual([]);
    expect((await call('GET', '/v1/audit/verify')).json()).toMatchObject({ ok: true, pending: 0 });
    expect((await call('GET', `/v1/subjects/${NAME}`)).statusCode).toBe(404);
    expect((await call('GET', '/v1/subjects/stays')).json()).toMatchObject({ email: EMAIL });
    expect((await call('DELETE', `/v1/subjects/${NAME}/data`)).statusCode).toBe(404);
    expect((await call('GET', '/v1/erasures')).json().items[0]).toMatchObject({ id });

    const [told]: { payload: unknown }[] = await database.dataSource.query(
      `SELECT payload FROM outbox.events WHERE type = 'subject.erased'`,
    );
    expect(EnrollmentEventSchema.shape.data.parse(told?.payload)).toMatchObject({
      subject: NAME,
      erasureId: id,
      codeIds: expect.arrayContaining([codeId]),
    });
  });

  it('may come back under its name, as somebody new', async () => {
    await settle('again');
    const { id } = (await call('DELETE', '/v1/subjects/again/data')).json();
    await finished(id);
    await settle('again');
    const lines = linesOf((await call('GET', '/v1/subjects/again/data')).body);
    expect(lines.filter(({ kind }) => kind === 'audit').map(({ data }) => data['action'])).not.toContain(
      'subject.offboard',
    );
    expect((await call('GET', '/v1/audit/verify')).json()).toMatchObject({ ok: true });
  });

  it('takes the scope admin, and another workspace’s is not found', async () => {
    await settle('guarded');
    const { key } = (
      await call('POST', '/v1/api-keys', { name: 'writer', scopes: ['enroll:write', 'enroll:read'] })
    ).json();
    for (const method of ['DELETE', 'GET'] as const)
      expect((await call(method, '/v1/subjects/guarded/data', undefined, key)).statusCode).toBe(403);
    const other = (await call('POST', '/v1/workspaces', { name: 'other' })).json().key;
    for (const method of ['DELETE', 'GET'] as const)
      expect((await call(method, '/v1/subjects/guarded/data', undefined, other)).statusCode).toBe(404);
  });
});
