import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Alerts } from '@signet/alerts';
import type { Alert, Code, Verification } from '@signet/contracts';
import { FactorEnrollment, lockSubject } from '@signet/mfa';
import { newId, OutboxRelay } from '@signet/platform';
import { authenticatorCode, until, type TestPlatform } from '@signet/testing';
import { ACTING, AnomaliesApp } from '../anomalies-app.fixture.js';
import { ANOMALIES_GROUP } from '../detector.js';
import { DAY_MS, MINUTE_MS } from '../finding.js';
import { attempt, logged, scan } from '../happenings.fixture.js';
import { ALERT_ACTIONS_GROUP } from './alert-actions.consumer.js';

const NOW_MS = Date.parse('2026-11-25T12:00:05.000Z');

describe('what alerts ask for', () => {
  let service: AnomaliesApp;
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let workspaceId: string;

  beforeAll(async () => {
    service = await AnomaliesApp.open(new Date(NOW_MS).toISOString(), ACTING);
    ({ platform, app, workspaceId } = service);
  });
  beforeEach(() => platform.clock.set(new Date(NOW_MS)));
  afterAll(() => service.close());

  const call = (method: 'GET' | 'POST' | 'PUT', url: string, body?: object) => service.call(method, url, { body });
  const idle = async (): Promise<void> => {
    await until(async () => {
      const outbox: object[] = await platform.dataSource.query('SELECT 1 FROM outbox.events LIMIT 1');
      return (
        outbox.length === 0 &&
        (await service.hasTaken(ANOMALIES_GROUP, ['scans', 'verifications'])) &&
        (await service.hasTaken(ALERT_ACTIONS_GROUP, ['alerts']))
      );
    });
  };

  /** A subject with an authenticator and recovery codes. */
  async function enroll(subject: string): Promise<{ code: () => string; recoveryCodes: string[] }> {
    await call('PUT', `/v1/subjects/${subject}`, {});
    const { clock, dataSource } = platform;
    const enrolled = await dataSource.transaction(async (manager) => {
      const stored = await lockSubject(manager, workspaceId, subject);
      if (!stored) throw new Error('no such subject');
      const factors = app.get(FactorEnrollment, { strict: false });
      const at = clock.now();
      const { factorId, secret } = await factors.begin(manager, stored, at);
      await factors.confirm(manager, factorId, { code: authenticatorCode(secret, at), at });
      const doing = { actor: 'system', requestId: newId(), at };
      return { secret, recoveryCodes: await factors.issueRecoveryCodes(manager, stored, doing) };
    });
    clock.advance(30_000);
    return { code: () => authenticatorCode(enrolled.secret, clock.now()), recoveryCodes: enrolled.recoveryCodes };
  }
  const verify = async (body: object): Promise<Verification> =>
    (await call('POST', '/v1/verifications', { factor: 'totp', ...body })).json();

  it('a further factor is demanded within a second of the alert, until one was given', async () => {
    const subject = 'traveller';
    const person = await enroll(subject);
    expect(await verify({ subject, code: person.code() })).toMatchObject({ result: 'accepted' });
    const now = platform.clock.now().getTime();
    const seen = (at: number, country: string) => {
      const made = attempt(at, { subject, workspaceId, country });
      return logged('verification.accepted', made);
    };
    await service.publish('verifications', [seen(now - 2 * DAY_MS, 'CH'), seen(now - 10 * MINUTE_MS, 'CH')]);
    await idle();
    await service.publish('verifications', [seen(now, 'JP')]);
    const published = performance.now();
    await until(async () => {
      const { items } = (await call('GET', `/v1/alerts?subject=${subject}`)).json<{ items: Alert[] }>();
      return items.find(({ kind }) => kind === 'impossible_travel');
    });
    const raised = performance.now();
    await until(async () => {
      const rows: object[] = await platform.dataSource.query('SELECT 1 FROM mfa.subject_demands');
      return rows[0];
    });
    const demanded = performance.now();
    process.stdout.write(
      `event → alert ${Math.round(raised - published)} ms, alert → demand ${Math.round(demanded - raised)} ms\n`,
    );
    expect(demanded - raised).toBeLessThan(1000);

    platform.clock.advance(30_000);
    const first = await verify({ subject, code: person.code() });
    expect(first).toMatchObject({
      result: 'step_up',
      stepUp: { factors: ['recovery'], reasons: ['an alert about the subject demands more for a time'] },
    });
    const [recovery = ''] = person.recoveryCodes;
    const second = await verify({ subject, factor: 'recovery', code: recovery, stepUpOf: first.id });
    expect(second).toMatchObject({ result: 'accepted' });
    platform.clock.advance(30_000);
    expect(await verify({ subject, code: person.code() })).toMatchObject({ result: 'accepted' });
    const entries: { record: object }[] = await platform.dataSource.query(
      `SELECT record FROM audit.entries WHERE record->>'action' = 'subject.demand-step-up'`,
    );
    expect(entries.length).toBeGreaterThan(0);
    for (const { record } of entries)
      expect(record).toMatchObject({ subject, actor: expect.stringMatching(/^alert:/) });
  });

  it('a demand ends with its time, and denies nobody who has one factor only', async () => {
    const subject = 'waiting';
    const person = await enroll(subject);
    await raise({ subject, actions: ['step_up'], stepUpSeconds: 600 });
    await idle();
    expect(await verify({ subject, code: person.code() })).toMatchObject({ result: 'step_up' });
    platform.clock.advance(600_000);
    expect(await verify({ subject, code: person.code() })).toMatchObject({ result: 'accepted' });
    const { items } = (await call('GET', `/v1/subjects/${subject}/factors`)).json();
    const recovery = items.find((factor: { type: string }) => factor.type === 'recovery');
    await call('POST', `/v1/factors/${recovery.id}/revoke`, { reason: 'other' });
    await raise({ subject, actions: ['step_up'], stepUpSeconds: 600, dedupeKey: newId() });
    await idle();
    platform.clock.advance(30_000);
    expect(await verify({ subject, code: person.code() })).toMatchObject({ result: 'accepted' });
  });

  async function raise(more: object): Promise<Alert> {
    const { dataSource, clock } = platform;
    const alert = await dataSource.transaction((manager) =>
      app.get(Alerts).raise(manager, {
        workspaceId,
        kind: 'subject_failures',
        severity: 'high',
        sentence: 'Something happened.',
        signal: 'something',
        numbers: { somethings: 2 },
        threshold: { somethings: 1 },
        dedupeKey: newId(),
        coolDownSeconds: 60,
        at: clock.now(),
        ...more,
      }),
    );
    app.get(OutboxRelay).wake();
    return alert;
  }

  const createCode = async (): Promise<string> =>
    (await call('POST', '/v1/codes', { target: { url: 'https://example.org/' } })).json<Code>().id;
  const statusOf = async (id: string): Promise<string> => (await call('GET', `/v1/codes/${id}`)).json<Code>().status;

  it('a code is paused by a rule that says so, once: who resumes it has the last word', async () => {
    const codeId = await createCode();
    await call('PUT', '/v1/anomaly-rules', {
      rules: { network_burst: { minimum: 20, actions: ['alert', 'pause_code'] } },
    });
    const burst = (at: number): object[] =>
      Array.from({ length: 30 }, (_, index) => {
        const { id, at: time, data } = scan(at + index, { ip: '192.0.2.0' }, codeId);
        return logged('scan.recorded', { id, at: time, data: { ...data, codeId, workspaceId } });
      });
    await service.publish('scans', burst(NOW_MS));
    await until(async () => (await statusOf(codeId)) === 'paused');
    const history = (await call('GET', `/v1/codes/${codeId}/history`)).json();
    const [alert] = (await call('GET', `/v1/alerts?codeId=${codeId}`)).json<{ items: Alert[] }>().items;
    expect(history.items[0]).toMatchObject({ action: 'paused', by: `alert:${alert?.id}` });
    await call('POST', `/v1/codes/${codeId}/resume`);
    await service.publish('scans', burst(NOW_MS + 10 * MINUTE_MS));
    await idle();
    expect(await statusOf(codeId)).toBe('active');
  });

  it('a code is revoked, and nothing happens for alerts that are muted, tried out, late, or of a code that is gone', async () => {
    const [revoked, muted, shadow, late] = await Promise.all([createCode(), createCode(), createCode(), createCode()]);
    const actions = ['revoke_code'];
    await call('POST', '/v1/alert-mutes', { codeId: muted, seconds: 600 });
    await raise({ codeId: newId(), actions });
    await raise({ codeId: muted, actions });
    await raise({ codeId: shadow, actions, shadow: true });
    await raise({ codeId: revoked, actions });
    await until(async () => (await statusOf(revoked)) === 'revoked');
    await idle();
    expect(await Promise.all([muted, shadow].map(statusOf))).toEqual(['active', 'active']);
    platform.clock.set(new Date(NOW_MS - 2 * 3_600_000));
    const alert = await raise({ codeId: late, actions });
    platform.clock.set(new Date(NOW_MS));
    await idle();
    expect([alert.status, await statusOf(late)]).toEqual(['open', 'active']);
  });
});
