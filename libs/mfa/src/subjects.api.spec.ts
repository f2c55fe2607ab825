import { EnrollmentEventSchema } from '@signet/contracts';
import { authenticatorCode, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { FactorEnrollment } from './factor-enrollment.js';
import { MfaApp } from './mfa-app.fixture.js';
import { lockSubject } from './subjects.sql.js';

describe('subjects and factors', () => {
  let service: MfaApp;
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let admin: string;

  beforeAll(async () => {
    service = await MfaApp.open();
    ({ platform, app, admin } = service);
  });
  afterAll(() => service.close());

  const call = (method: 'GET' | 'POST' | 'PUT', url: string, payload?: object, key = admin) =>
    app.inject({ method, url, payload, headers: { authorization: `Bearer ${key}` } });
  const enroll = async (subject: string): Promise<{ factorId: string; secret: Buffer }> => {
    await call('PUT', `/v1/subjects/${subject}`, {});
    const { workspaceId } = (await call('GET', '/v1/whoami')).json();
    return platform.dataSource.transaction(async (manager) => {
      const stored = await lockSubject(manager, workspaceId, subject);
      if (!stored) throw new Error('no such subject');
      const factors = app.get(FactorEnrollment, { strict: false });
      const at = platform.clock.now();
      const { factorId, secret } = await factors.begin(manager, stored, at);
      await factors.confirm(manager, factorId, { code: authenticatorCode(secret, at), at });
      return { factorId, secret };
    });
  };
  const auditActions = async (subject: string): Promise<(string | undefined)[]> => {
    const rows: { action: string }[] = await platform.dataSource.query(
      `SELECT record->>'action' AS action FROM audit.entries WHERE record->>'subject' = $1 ORDER BY position`,
      [subject],
    );
    return rows.map(({ action }) => action);
  };

  it('creates a subject, changes the fields that are given, and clears those that are null', async () => {
    const url = `/v1/subjects/${encodeURIComponent('EXAMPLE\\änna/1')}`;
    const created = await call('PUT', url, { displayName: 'Anna', email: 'anna@example.com', groups: ['vpn'] });
    expect([created.statusCode, created.json()]).toEqual([
      200,
      {
        id: expect.any(String),
        subject: 'EXAMPLE\\änna/1',
        displayName: 'Anna',
        email: 'anna@example.com',
        groups: ['vpn'],
        roles: [],
        attributes: {},
        status: 'active',
        version: 1,
        createdAt: platform.clock.now().toISOString(),
        updatedAt: platform.clock.now().toISOString(),
      },
    ]);
    platform.clock.advance(1000);
    const changed = await call('PUT', url, { email: null, roles: ['root'] });
    expect(changed.json()).toEqual({
      ...created.json(),
      email: null,
      roles: ['root'],
      version: 2,
      updatedAt: platform.clock.now().toISOString(),
    });
    platform.clock.advance(1000);
    expect((await call('PUT', url, { roles: ['root'] })).json()).toEqual(changed.json());
    expect((await call('GET', url)).json()).toEqual(changed.json());
    expect(await auditActions('EXAMPLE\\änna/1')).toEqual(['subject.create', 'subject.update']);
  });

  it('makes one subject, however many put it at once', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => call('PUT', '/v1/subjects/at-once', {})));
    expect(new Set(answers.map((answer) => answer.json().id)).size).toBe(1);
    expect(await auditActions('at-once')).toEqual(['subject.create']);
  });

  it.each(['/v1/subjects/nobody', '/v1/subjects/nobody/factors'])('says 404 for %s', async (url) => {
    expect((await call('GET', url)).statusCode).toBe(404);
  });

  it('shows a factor without anything of its secret', async () => {
    const { factorId } = await enroll('shown');
    expect((await call('GET', '/v1/subjects/shown/factors')).json()).toEqual({
      items: [
        {
          id: factorId,
          type: 'totp',
          status: 'active',
          name: null,
          app: null,
          createdAt: platform.clock.now().toISOString(),
          lastUsedAt: null,
          lastUsedFrom: null,
        },
      ],
    });
  });

  it('revokes a factor before it answers, forgets its secret, raises the epoch, and tells it once', async () => {
    const { factorId, secret } = await enroll('lost');
    platform.clock.advance(30_000);
    const body = { reason: 'device-lost' };
    const answers = await Promise.all([1, 2].map(() => call('POST', `/v1/factors/${factorId}/revoke`, body)));
    expect(answers.map((answer) => answer.json())).toMatchObject([
      { id: factorId, status: 'revoked' },
      { id: factorId, status: 'revoked' },
    ]);
    const code = authenticatorCode(secret, platform.clock.now());
    const verified = await call('POST', '/v1/verifications', { subject: 'lost', factor: 'totp', code });
    expect(verified.json()).toMatchObject({ result: 'rejected', reason: 'revoked' });
    const [stored] = await platform.dataSource.query(
      'SELECT f.secret, s.epoch FROM mfa.factors f JOIN mfa.subjects s ON s.id = f.subject_id WHERE f.id = $1',
      [factorId],
    );
    expect(stored).toEqual({ secret: null, epoch: '1' });
    expect((await auditActions('lost')).filter((action) => action === 'factor.revoke')).toHaveLength(1);
    const events: { data: unknown }[] = await platform.dataSource.query(
      `SELECT payload AS data FROM outbox.events WHERE type = 'factor.revoked' AND payload->>'subject' = 'lost'`,
    );
    expect(events.map(({ data }) => EnrollmentEventSchema.shape.data.parse(data))).toMatchObject([
      { factorId, factorType: 'totp', reason: 'device-lost' },
    ]);
  });

  it('never accepts a code after a revoke has returned, however they race', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { factorId, secret } = await enroll(`race-${round}`);
      platform.clock.advance(30_000);
      const body = { subject: `race-${round}`, factor: 'totp', code: authenticatorCode(secret, platform.clock.now()) };
      const revoking = call('POST', `/v1/factors/${factorId}/revoke`, { reason: 'compromised' });
      const racing = Array.from({ length: 4 }, () => call('POST', '/v1/verifications', body));
      expect((await revoking).statusCode).toBe(200);
      const later = await call('POST', '/v1/verifications', body);
      expect(later.json()).toMatchObject({ reason: 'revoked' });
      const accepted = (await Promise.all(racing)).filter((answer) => answer.json().result === 'accepted');
      expect(accepted.length).toBeLessThanOrEqual(1);
    }
  });

  it('shows nothing of another workspace and revokes nothing there', async () => {
    const { factorId } = await enroll('theirs');
    const { key } = (await call('POST', '/v1/workspaces', { name: 'other' })).json();
    expect((await call('GET', '/v1/subjects/theirs', undefined, key)).statusCode).toBe(404);
    const revoke = await call('POST', `/v1/factors/${factorId}/revoke`, { reason: 'other' }, key);
    expect(revoke.statusCode).toBe(404);
    expect((await call('GET', '/v1/subjects/theirs/factors')).json()).toMatchObject({ items: [{ status: 'active' }] });
  });
});
