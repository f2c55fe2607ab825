import { AccessService } from '@signet/access';
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
import { secretIn, WizardBrowser } from './enrollment.fixture.js';
import { EndedLinks } from './ended-links.js';
import { EnrollmentDeadlines } from './enrollment-deadlines.js';

// The embedded database has one user; only a server has roles to connect as.
const describeOnServer = process.env['SIGNET_TEST_DATABASE_URL'] ? describe : describe.skip;

describeOnServer('the roles of the services', () => {
  let database: TestDatabase;
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let admin: string;
  beforeAll(async () => {
    database = await openTestDatabase(MIGRATIONS);
    platform = await openTestPlatform([]);
    const dataSource = await database.as('signet_enrollment');
    app = await createTestApp({ ...platform, dataSource }, MODULES);
    admin = (await app.get(AccessService).bootstrap()) ?? '';
  });
  afterAll(async () => {
    await app.close();
    await platform.close();
    await database.close();
  });

  const call = (method: 'GET' | 'POST' | 'PUT', url: string, payload?: object) =>
    app.inject({ method, url, payload, headers: { authorization: `Bearer ${admin}` } });
  const begin = async (subject: string, more: object = {}) => {
    await call('PUT', `/v1/subjects/${subject}`, {});
    return (await call('POST', '/v1/enrollments', { subject, delivery: 'link', ...more })).json();
  };

  it('let enrollment do everything that a link and its wizard take', async () => {
    const { id, claimUrl, codeId } = await begin('anna');
    const browser = new WizardBrowser(app, `/enroll/${claimUrl.split('/').at(-1)}`);
    await browser.open();
    await browser.submit('claim');
    await browser.open();
    await browser.submit('renew');
    await browser.submit('code', { code: totp(secretIn(browser.otpauthUri ?? ''), platform.clock.now()) });
    await browser.open();
    await browser.submit('recovery-codes');
    await browser.submit('finish', { saved: 'yes' });
    expect(browser.title).toBe('All set');
    expect((await call('GET', `/v1/codes/${codeId}`)).json()).toMatchObject({ status: 'exhausted' });
    expect((await call('GET', `/v1/enrollments/${id}`)).json()).toMatchObject({ status: 'active' });

    const waiting = await begin('berta', { expiresInSeconds: 3600 });
    platform.clock.advance(1_800_000);
    await app.get(EnrollmentDeadlines).tell();
    const answer = await call('POST', `/v1/enrollments/${waiting.id}/revoke`, { reason: 'over' });
    expect(answer.json()).toMatchObject({ status: 'revoked' });
  });

  it('let enrollment ask for a PIN and a step-up, and end what a code was for', async () => {
    const { id, claimUrl, pin, codeId } = await begin('carl', { requirePin: true });
    const token = claimUrl.split('/').at(-1);
    const wrong = await call('POST', '/v1/enrollments/claim', {
      token,
      pin: pin === '00000000' ? '1'.repeat(8) : '00000000',
    });
    expect([wrong.statusCode, wrong.json().attemptsLeft]).toEqual([403, 4]);
    const claimed = (await call('POST', '/v1/enrollments/claim', { token, pin })).json();
    const code = totp(claimed.secret, platform.clock.now());
    await call('POST', `/v1/enrollments/${id}/confirm`, { code, claimToken: claimed.claimToken, app: 'Aegis' });
    const stepUp = { verificationId: codeId };
    const body = { subject: 'carl', delivery: 'link', stepUp };
    expect((await call('POST', '/v1/enrollments', body)).statusCode).toBe(403);

    const link = await begin('carl', { stepUp: { reason: 'a second phone' } });
    await call('POST', `/v1/codes/${link.codeId}/revoke`, { reason: 'incident' });
    await app.get(EndedLinks).end();
    expect((await call('GET', `/v1/enrollments/${link.id}`)).json()).toMatchObject({ status: 'revoked' });
  });

  it.each(['signet_redirect', 'signet_verification', 'signet_analytics'] as const)(
    'keep %s from enrollments',
    async (role) => {
      const stranger = await database.as(role);
      await expect(stranger.query('SELECT id FROM enrollment.enrollments')).rejects.toThrow('permission denied');
    },
  );

  it('keep redirect from factors', async () => {
    const redirect = await database.as('signet_redirect');
    await expect(redirect.query('SELECT secret FROM mfa.factors')).rejects.toThrow('permission denied');
  });
});
