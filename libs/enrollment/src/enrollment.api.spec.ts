import { EnrollmentEventSchema } from '@signet/contracts';
import { totp, type TestPlatform } from '@signet/testing';
import { EnrollmentApp, type InlineEnrollment } from './enrollment-app.fixture.js';
import type { ConfirmedEnrollment } from './enrollment.js';

const STEP = 30_000;
describe('enrollment', () => {
  let service: EnrollmentApp;
  let platform: TestPlatform;
  let call: EnrollmentApp['call'];
  let newSubject: EnrollmentApp['newSubject'];
  /** Everything that must never be written down. */
  const secrets = new Set<string>();

  beforeAll(async () => {
    service = await EnrollmentApp.open('2026-11-24T12:00:05Z');
    ({ platform, call, newSubject } = service);
  });
  afterAll(() => service.close());

  const begin = async (subject: string, more: object = {}): Promise<InlineEnrollment> => {
    const answer = await call('POST', '/v1/enrollments', { subject, delivery: 'inline', ...more });
    expect(answer.statusCode).toBe(201);
    const created = answer.json<InlineEnrollment>();
    for (const secret of [created.secret, created.claimToken]) secrets.add(secret);
    return created;
  };
  /** Nobody's key: the claimToken is the credential. */
  const confirm = ({ id, claimToken }: { id: string; claimToken: string }, code: string) =>
    call('POST', `/v1/enrollments/${id}/confirm`, { code, claimToken }, {});
  const now = (): Date => platform.clock.now();
  const codeNow = ({ secret }: InlineEnrollment, steps = 0): string => {
    const code = totp(secret, new Date(now().getTime() + steps * STEP));
    secrets.add(code);
    return code;
  };
  const wrongCode = (created: InlineEnrollment): string =>
    ['000000', '111111', '222222', '333333'].find(
      (code) => ![-1, 0, 1].some((steps) => codeNow(created, steps) === code),
    ) ?? '444444';
  const confirmed = async (created: InlineEnrollment): Promise<ConfirmedEnrollment> => {
    const answer = await confirm(created, codeNow(created));
    expect(answer.statusCode).toBe(200);
    const result = answer.json<ConfirmedEnrollment>();
    for (const code of result.recoveryCodes) secrets.add(code);
    return result;
  };
  const verify = async (subject: string, code: string, factor = 'totp') =>
    (await call('POST', '/v1/verifications', { subject, factor, code })).json();
  const statusOf = async ({ id }: { id: string }) => (await call('GET', `/v1/enrollments/${id}`)).json().status;
  const problemOf = (answer: { statusCode: number; json(): { type: string; attemptsLeft?: number } }) => {
    const { type, attemptsLeft } = answer.json();
    return [
      answer.statusCode,
      type.replace('urn:signet:problem:', ''),
      ...(attemptsLeft === undefined ? [] : [attemptsLeft]),
    ];
  };
  const statusesOf = (answers: readonly { statusCode: number }[]): number[] =>
    answers.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b);
  const eventsOf = async (subject: string): Promise<string[]> => {
    const rows: { type: string; data: unknown }[] = await platform.dataSource.query(
      `SELECT type, payload AS data FROM outbox.events
       WHERE aggregatetype = 'signet.enrollments.v1' AND payload->>'subject' = $1 ORDER BY position`,
      [subject],
    );
    for (const { data } of rows) EnrollmentEventSchema.shape.data.parse(data);
    return rows.map(({ type }) => type);
  };
  const auditOf = async (subject: string): Promise<{ action: string; result?: string; actor: string }[]> => {
    const rows: { record: { action: string; actor: string } }[] = await platform.dataSource.query(
      `SELECT record FROM audit.entries WHERE record->>'subject' = $1 ORDER BY position`,
      [subject],
    );
    return rows.map(({ record }) => record);
  };
  const putSettings = (settings: object = {}) =>
    call('PUT', '/v1/settings/enrollment', { enabled: true, issuer: 'Signet', ticketTtlSeconds: 600, ...settings });

  it('shows a new secret once, as a QR code, as a URI and to type', async () => {
    const subject = await newSubject({ email: 'anna@example.com' });
    const answer = await call('POST', '/v1/enrollments', { subject, delivery: 'inline' });
    expect([answer.statusCode, answer.headers['cache-control']]).toEqual([201, 'no-store']);
    const created = answer.json<InlineEnrollment>();
    expect(created).toMatchObject({
      subject,
      factor: 'totp',
      delivery: 'inline',
      status: 'claimed',
      createdAt: now().toISOString(),
      expiresAt: new Date(now().getTime() + 600_000).toISOString(),
      factorId: null,
      secret: expect.stringMatching(/^[A-Z2-7]{32}$/),
      claimToken: expect.stringMatching(/^[\w-]{43}$/),
      otpauthUri: `otpauth://totp/Signet:anna%40example.com?secret=${created.secret}&issuer=Signet`,
      qrSvg: expect.stringMatching(/^<svg /),
    });
    const { claimToken: _token, otpauthUri: _uri, secret: _secret, qrSvg: _svg, ...shown } = created;
    expect((await call('GET', `/v1/enrollments/${created.id}`)).json()).toEqual(shown);
    secrets.add(created.secret).add(created.claimToken);
  });

  it('activates the factor with a good code, which counts as used, and gives ten recovery codes', async () => {
    const subject = await newSubject();
    const created = await begin(subject);
    expect(await verify(subject, codeNow(created))).toMatchObject({ reason: 'no_factor' });
    const answer = await confirm(created, codeNow(created));
    expect([answer.statusCode, answer.headers['cache-control']]).toEqual([200, 'no-store']);
    const { status, factorId, recoveryCodes } = answer.json<ConfirmedEnrollment>();
    for (const code of recoveryCodes) secrets.add(code);
    expect([status, new Set(recoveryCodes).size]).toEqual(['active', 10]);
    expect(await verify(subject, codeNow(created))).toMatchObject({ result: 'rejected', reason: 'replayed' });
    platform.clock.advance(STEP);
    expect(await verify(subject, codeNow(created))).toMatchObject({ result: 'accepted', factorId });
    expect(await verify(subject, recoveryCodes[9] ?? '', 'recovery')).toMatchObject({ result: 'accepted' });
    expect((await call('GET', `/v1/enrollments/${created.id}`)).json()).toMatchObject({ status: 'active', factorId });
    expect(await eventsOf(subject)).toEqual([
      'enrollment.created',
      'enrollment.confirmed',
      'factor.added',
      'factor.replayed',
    ]);
    const { id } = (await call('GET', `/v1/subjects/${subject}`)).json();
    const entry = (await auditOf(subject)).find(({ action }) => action === 'enrollment.confirm');
    expect(entry).toMatchObject({
      actor: `subject:${id}`,
      result: 'accepted',
      factorId,
      enrollmentId: created.id,
      ip: '127.0.0.1',
    });
  });

  it('takes the code of the step before, and none ahead', async () => {
    const created = await begin(await newSubject());
    expect(problemOf(await confirm(created, codeNow(created, 1)))).toEqual([422, 'invalid-code', 4]);
    expect((await confirm(created, codeNow(created, -1))).statusCode).toBe(200);
  });

  it('lets one of many confirmations at once succeed', async () => {
    const subject = await newSubject();
    const created = await begin(subject);
    const code = codeNow(created);
    const answers = await Promise.all(Array.from({ length: 10 }, () => confirm(created, code)));
    expect(statusesOf(answers)).toEqual([200, ...Array.from({ length: 9 }, () => 410)]);
    const { items } = (await call('GET', `/v1/subjects/${subject}/factors`)).json();
    expect(items.map(({ type }: { type: string }) => type)).toEqual(['totp', 'recovery']);
  });

  it('ends with the fifth wrong code, and its secret dies', async () => {
    const subject = await newSubject();
    const created = await begin(subject);
    for (const left of [4, 3, 2, 1])
      expect(problemOf(await confirm(created, wrongCode(created)))).toEqual([422, 'invalid-code', left]);
    expect(problemOf(await confirm(created, wrongCode(created)))).toEqual([410, 'enrollment-failed']);
    expect(problemOf(await confirm(created, codeNow(created)))).toEqual([410, 'enrollment-failed']);
    expect(await statusOf(created)).toBe('failed');
    const kept = await platform.dataSource.query(
      `SELECT f.id FROM mfa.factors f JOIN mfa.subjects s ON s.id = f.subject_id WHERE s.subject = $1 AND f.secret IS NOT NULL`,
      [subject],
    );
    expect(kept).toEqual([]);
    const attempts = (await auditOf(subject)).filter(({ action }) => action === 'enrollment.confirm');
    expect(attempts.map(({ result }) => result)).toEqual(Array.from({ length: 6 }, () => 'rejected'));
  });

  it('counts wrong codes right when they come at once', async () => {
    const created = await begin(await newSubject());
    const answers = await Promise.all(Array.from({ length: 12 }, () => confirm(created, wrongCode(created))));
    expect(statusesOf(answers)).toEqual([
      ...Array.from({ length: 8 }, () => 410),
      ...Array.from({ length: 4 }, () => 422),
    ]);
  });

  it.each([
    ['', 600],
    ['when it was asked for less', 120],
    ['when it was asked for more', 600],
  ])('is over after ten minutes at most %s', async (asked, seconds) => {
    const subject = await newSubject();
    const expiresInSeconds = { '': undefined, 'when it was asked for less': 120 }[asked] ?? 86_400;
    const created = await begin(subject, asked === '' ? {} : { expiresInSeconds });
    platform.clock.advance(seconds * 1000 - 1);
    expect(await statusOf(created)).toBe('claimed');
    platform.clock.advance(1);
    expect(problemOf(await confirm(created, codeNow(created)))).toEqual([410, 'enrollment-failed']);
    expect(await statusOf(created)).toBe('expired');
    expect(await eventsOf(subject)).toEqual(['enrollment.created', 'enrollment.expired']);
  });

  it('names an app that ignores the parameters of the policy, and does not confirm it', async () => {
    const subject = await newSubject();
    const match = { subjects: [subject] };
    await call('POST', '/v1/policies', { name: 'p', mfa: 'required', match, totp: { algorithm: 'SHA256' } });
    const created = await begin(subject);
    expect(created.otpauthUri).toContain('&algorithm=SHA256');
    const answer = await confirm(created, codeNow(created));
    expect(problemOf(answer)).toEqual([422, 'app-ignored-parameters', 4]);
    expect(answer.json().detail).toBe('Your app ignored SHA256: use another authenticator app');
    expect(await statusOf(created)).toBe('claimed');
  });

  it('names a phone whose clock is wrong', async () => {
    const created = await begin(await newSubject());
    const answer = await confirm(created, codeNow(created, 3));
    expect(problemOf(answer)).toEqual([422, 'invalid-code', 4]);
    expect(answer.json().detail).toBe('Your phone’s clock is about 90 s fast: set it to automatic and try again');
  });

  it('ends with its subject, in one transaction, and is counted', async () => {
    const subject = await newSubject();
    const created = await begin(subject);
    const answer = await call('POST', `/v1/subjects/${subject}/offboard`, { reason: 'left' });
    expect(answer.json()).toMatchObject({ enrollmentsRevoked: 1, factorsRevoked: 0 });
    expect(problemOf(await confirm(created, codeNow(created)))).toEqual([410, 'enrollment-failed']);
    expect(await statusOf(created)).toBe('revoked');
    expect(await eventsOf(subject)).toEqual(['enrollment.created', 'enrollment.revoked', 'subject.offboarded']);
    await call('POST', `/v1/subjects/${subject}/reenable`, { reason: 'came back' });
    expect(problemOf(await confirm(created, codeNow(created)))).toEqual([410, 'enrollment-failed']);
  });

  it('expires by being looked at, and tells it once', async () => {
    const subject = await newSubject();
    const created = await begin(subject);
    platform.clock.advance(600_000);
    expect(await Promise.all([1, 2, 3].map(() => statusOf(created)))).toEqual(['expired', 'expired', 'expired']);
    expect(await eventsOf(subject)).toEqual(['enrollment.created', 'enrollment.expired']);
  });

  it('makes a new secret for the next enrollment and kills the one that was not confirmed', async () => {
    const subject = await newSubject();
    const [first, second] = [await begin(subject), await begin(subject)];
    expect(second.secret).not.toBe(first.secret);
    expect(problemOf(await confirm(first, codeNow(first)))).toEqual([410, 'enrollment-failed']);
    expect(await statusOf(first)).toBe('superseded');
    expect((await confirm(second, codeNow(second))).statusCode).toBe(200);
  });

  it('touches no active factor and no recovery code before it is confirmed', async () => {
    const subject = await newSubject();
    const first = await begin(subject);
    const { factorId, recoveryCodes } = await confirmed(first);
    const again = { stepUp: { reason: 'a second phone' } };
    const second = await begin(subject, again);
    for (let index = 0; index < 5; index += 1) await confirm(second, wrongCode(second));
    platform.clock.advance(STEP);
    expect(await verify(subject, codeNow(first))).toMatchObject({ result: 'accepted', factorId });
    expect(await verify(subject, recoveryCodes[0] ?? '', 'recovery')).toMatchObject({ result: 'accepted' });

    await confirmed(await begin(subject, again));
    expect(await verify(subject, recoveryCodes[1] ?? '', 'recovery')).toMatchObject({ reason: 'invalid_code' });
    platform.clock.advance(STEP);
    expect(await verify(subject, codeNow(first))).toMatchObject({ result: 'accepted', factorId });
  });

  it('answers alike for an unknown enrollment and for a wrong token', async () => {
    const created = await begin(await newSubject());
    const code = codeNow(created);
    const other = await begin(await newSubject());
    for (const claim of [
      { ...created, claimToken: other.claimToken },
      { ...created, claimToken: 'x' },
      { id: '0190163d-8694-739b-aea5-966c26f8ad91', claimToken: created.claimToken },
      { id: 'no-uuid', claimToken: created.claimToken },
    ])
      expect(problemOf(await confirm(claim, code))).toEqual([404, 'not-found']);
    expect((await confirm(created, code)).statusCode).toBe(200);
  });

  it('gives the same Idempotency-Key the same secret while it can be confirmed, and then no more', async () => {
    const subject = await newSubject();
    const headers = { authorization: `Bearer ${service.admin}`, 'idempotency-key': 'once' };
    const post = () => call('POST', '/v1/enrollments', { subject, delivery: 'inline' }, headers);
    const answers = await Promise.all([post(), post(), post()]);
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
    const [created] = answers.map((answer) => answer.json<InlineEnrollment>());
    if (!created) throw new Error('nothing was created');
    secrets.add(created.secret).add(created.claimToken);
    expect((await auditOf(subject)).filter(({ action }) => action === 'enrollment.create')).toHaveLength(1);
    await confirmed(created);
    expect(problemOf(await post())).toEqual([410, 'enrollment-failed']);
  });

  it('is refused while QR enrollment is off', async () => {
    const subject = await newSubject();
    expect((await call('GET', '/v1/settings/enrollment')).json()).toEqual({
      enabled: true,
      issuer: 'Signet',
      ticketTtlSeconds: 600,
      requirePin: false,
    });
    expect((await putSettings({ enabled: false })).statusCode).toBe(200);
    expect(problemOf(await call('POST', '/v1/enrollments', { subject, delivery: 'inline' }))).toEqual([
      403,
      'enrollment-disabled',
    ]);
    await putSettings();
    expect((await begin(subject)).status).toBe('claimed');
  });

  it('takes issuer and lifetime from the settings', async () => {
    expect((await putSettings({ issuer: 'Müller & Co', ticketTtlSeconds: 90 })).json()).toMatchObject({
      issuer: 'Müller & Co',
    });
    const created = await begin(await newSubject());
    expect(created.otpauthUri).toContain('otpauth://totp/M%C3%BCller%20%26%20Co:person-');
    expect(Date.parse(created.expiresAt) - Date.parse(created.createdAt)).toBe(90_000);
    await putSettings();
  });

  it.each([
    ['a colon in the issuer', { issuer: 'a:b' }],
    ['no lifetime', { ticketTtlSeconds: 0 }],
    ['an unknown field', { colour: 'red' }],
  ])('refuses settings with %s', async (_what, settings) => {
    expect(problemOf(await putSettings(settings))).toEqual([422, 'invalid-request']);
  });

  it('refuses what it can’t do: an unknown subject, another factor', async () => {
    const subject = await newSubject();
    const post = (body: object) => call('POST', '/v1/enrollments', body);
    expect(problemOf(await post({ subject: 'nobody', delivery: 'inline' }))).toEqual([404, 'not-found']);
    expect(problemOf(await post({ subject, delivery: 'inline', factor: 'device' }))).toEqual([422, 'invalid-request']);
  });

  it('shows and confirms nothing of another workspace', async () => {
    const created = await begin(await newSubject());
    const { key } = (await call('POST', '/v1/workspaces', { name: 'other' })).json();
    secrets.add(key);
    const answer = await call('GET', `/v1/enrollments/${created.id}`, undefined, { authorization: `Bearer ${key}` });
    expect(answer.statusCode).toBe(404);
  });

  it('has a chain of audit entries that adds up', async () => {
    const checkChain = async () => (await call('GET', '/v1/audit/verify')).json();
    let answer = await checkChain();
    while (!answer.ok || answer.pending > 0) answer = await checkChain();
    expect(answer.entries).toBeGreaterThan(100);
  });

  it('has written no secret, token or code into the audit log, an event, a record or a log line', async () => {
    const tables = ['audit.entries', 'outbox.events', 'enrollment.enrollments', 'mfa.factors', 'mfa.recovery_codes'];
    const written = [...service.logged];
    for (const table of [...tables, 'mfa.verifications', 'access.idempotent_answers']) {
      const rows: { row: string }[] = await platform.dataSource.query(`SELECT t::text AS row FROM ${table} t`);
      expect(rows.length).toBeGreaterThan(0);
      written.push(...rows.map(({ row }) => row));
    }
    expect(secrets.size).toBeGreaterThan(50);
    expect(service.logged.length).toBeGreaterThan(50);
    const text = written.join('\n');
    const found = [...secrets].filter((secret) => new RegExp(`(?<![\\w-])${secret}(?![\\w-])`, 'i').test(text));
    expect(found).toEqual([]);
  });
});
