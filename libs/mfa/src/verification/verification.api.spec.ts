import { AccessService } from '@signet/access';
import { VerificationDataSchema, type AuditEntry, type Scope, type Verification } from '@signet/contracts';
import { createMetrics } from '@signet/platform';
import { authenticatorCode, createTestApp, openTestPlatform, wrongCode, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { pino } from 'pino';
import { FactorEnrollment } from '../factor-enrollment.js';
import { MIGRATIONS, MODULES } from '../mfa-app.fixture.js';
import { toBase32 } from '../otpauth.js';
import { lockSubject } from '../subjects.sql.js';

const STEP = 30_000;

interface Person {
  subject: string;
  secret: Buffer;
  factorId: string;
  recoveryCodes: string[];
}

describe('POST /v1/verifications', () => {
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let other: NestFastifyApplication;
  let admin: string;
  let plain: string;
  let workspaceId: string;
  const logged: string[] = [];
  /** The bodies of all errors. */
  const refusals: string[] = [];
  /** Everything that must never be written down. */
  const secrets = new Set<string>();
  let names = 0;

  beforeAll(async () => {
    platform = await openTestPlatform(MIGRATIONS);
    platform.clock.set(new Date('2026-11-24T12:00:05Z'));
    const logger = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) });
    app = await createTestApp({ ...platform, logger }, MODULES);
    other = await createTestApp({ ...platform, logger, metrics: createMetrics('other') }, MODULES);
    admin = (await app.get(AccessService).bootstrap()) ?? '';
    plain = await newKey(['verify']);
    workspaceId = (await call('GET', '/v1/whoami')).json().workspaceId;
  });
  afterAll(async () => {
    await app.close();
    await other.close();
    await platform.close();
  });

  const call = async (
    method: 'GET' | 'POST' | 'PUT',
    url: string,
    payload?: object,
    { key = admin, headers = {}, at = app }: { key?: string; headers?: object; at?: NestFastifyApplication } = {},
  ) => {
    const answer = await at.inject({ method, url, payload, headers: { authorization: `Bearer ${key}`, ...headers } });
    if (answer.statusCode >= 400 || answer.body.includes('"rejected"')) refusals.push(answer.body);
    return answer;
  };
  const newKey = async (scopes: Scope[]): Promise<string> =>
    (await call('POST', '/v1/api-keys', { name: 'k', scopes })).json().key;

  const newSubject = async (): Promise<string> => {
    const subject = `person-${++names}`;
    expect((await call('PUT', `/v1/subjects/${subject}`, {})).statusCode).toBe(200);
    return subject;
  };
  const enroll = async (subject: string): Promise<Person> => {
    const factors = app.get(FactorEnrollment, { strict: false });
    const person = await platform.dataSource.transaction(async (manager) => {
      const stored = await lockSubject(manager, workspaceId, subject);
      if (!stored) throw new Error('no such subject');
      const at = platform.clock.now();
      const { factorId, secret } = await factors.begin(manager, stored, at);
      expect(await factors.confirm(manager, factorId, { code: authenticatorCode(secret, at), at })).toBe(true);
      const doing = { actor: 'system', requestId: 'r', at };
      return { subject, secret, factorId, recoveryCodes: await factors.issueRecoveryCodes(manager, stored, doing) };
    });
    const { secret } = person;
    const forms = (['hex', 'base64', 'base64url', 'latin1'] as const).map((encoding) => secret.toString(encoding));
    for (const form of [toBase32(secret), ...forms, ...person.recoveryCodes]) secrets.add(form.replace(/=+$/, ''));
    platform.clock.advance(STEP);
    return person;
  };
  const enrolled = async (): Promise<Person> => enroll(await newSubject());
  const now = (): Date => platform.clock.now();
  const codeOf = ({ secret }: Person, steps = 0): string => {
    const code = authenticatorCode(secret, new Date(now().getTime() + steps * STEP));
    secrets.add(code);
    return code;
  };

  const post = (body: object, options: Parameters<typeof call>[3] = {}) =>
    call('POST', '/v1/verifications', body, options);
  const verify = async (subject: string, code: string, more: object = {}): Promise<Verification> => {
    const answer = await post({ subject, factor: 'totp', code, ...more });
    expect(answer.statusCode).toBe(200);
    return answer.json();
  };
  const fail = async ({ subject, secret }: Person, times: number): Promise<void> => {
    for (let index = 0; index < times; index += 1) {
      expect(await verify(subject, wrongCode(secret, now()))).toMatchObject({ reason: 'invalid_code' });
      platform.clock.advance(3_600_000);
    }
  };

  const auditOf = async (subject: string): Promise<AuditEntry[]> => {
    let chained = false;
    while (!chained) {
      const { ok, pending } = (await call('GET', '/v1/audit/verify')).json();
      chained = ok && pending === 0;
    }
    const { items } = (await call('GET', `/v1/audit?limit=200&subject=${subject}`)).json();
    return items.toReversed();
  };
  const attemptsOf = async (subject: string): Promise<AuditEntry[]> =>
    (await auditOf(subject)).filter(({ action }) => action === 'verification.attempt');
  const eventsOf = async (subject: string): Promise<{ type: string; key: string; data: unknown }[]> =>
    platform.dataSource.query(
      `SELECT type, aggregateid AS key, payload AS data FROM outbox.events WHERE payload->>'subject' = $1 ORDER BY position`,
      [subject],
    );

  it('accepts the current and the previous step once each, in order, and never one ahead', async () => {
    const person = await enrolled();
    platform.clock.advance(STEP);
    const { subject, factorId } = person;
    const [ahead, current, previous] = [codeOf(person, 1), codeOf(person), codeOf(person, -1)];
    expect(await verify(subject, ahead)).toMatchObject({ result: 'rejected', reason: 'invalid_code' });
    expect(await verify(subject, previous)).toEqual({ id: expect.any(String), result: 'accepted', factorId });
    expect(await verify(subject, previous)).toMatchObject({ result: 'rejected', reason: 'replayed' });
    expect(await verify(subject, current)).toMatchObject({ result: 'accepted' });
    expect(await verify(subject, current)).toMatchObject({ result: 'rejected', reason: 'replayed' });
    expect(await verify(subject, previous)).toMatchObject({ result: 'rejected', reason: 'replayed' });
    platform.clock.advance(2 * STEP);
    expect(await verify(subject, current)).toMatchObject({ result: 'rejected', reason: 'invalid_code' });
  });

  it('takes the code that confirmed the factor for used', async () => {
    const person = await enrolled();
    expect(await verify(person.subject, codeOf(person, -1))).toMatchObject({ reason: 'replayed' });
  });

  it('accepts exactly one of 50 parallel posts of one right code on two instances', async () => {
    const person = await enrolled();
    const body = { subject: person.subject, factor: 'totp', code: codeOf(person) };
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => post(body, { at: index % 2 === 0 ? app : other })),
    );
    const results = answers.map((answer) => answer.json<Verification>());
    expect(results.filter(({ result }) => result === 'accepted')).toHaveLength(1);
    expect(results.filter(({ reason }) => reason === 'replayed')).toHaveLength(49);
    expect(await attemptsOf(person.subject)).toHaveLength(50);
    expect(await verify(person.subject, wrongCode(person.secret, now()))).toMatchObject({ attemptsLeft: 4 });
  });

  it('decides each of many that come together by itself: right, wrong, used, unknown, waiting or repeated', async () => {
    const people: Person[] = [];
    for (let index = 0; index < 5; index += 1) people.push(await enrolled());
    const [right, wrong, used, waiting, repeated] = people as [Person, Person, Person, Person, Person];
    for (let index = 0; index < 5; index += 1) await verify(waiting.subject, wrongCode(waiting.secret, now()));
    const usedCode = codeOf(used);
    await verify(used.subject, usedCode);
    const ask = ({ subject }: Pick<Person, 'subject'>, code: string, headers = {}) =>
      post({ subject, factor: 'totp', code }, { headers });
    const key = { 'idempotency-key': 'together' };
    const answers = await Promise.all([
      ask(right, codeOf(right)),
      ask(wrong, wrongCode(wrong.secret, now())),
      ask(used, usedCode),
      ask({ subject: 'nobody-here' }, '000000'),
      ask(waiting, codeOf(waiting)),
      ask(repeated, codeOf(repeated), key),
      ask(repeated, codeOf(repeated), key),
      ask(right, codeOf(right)),
    ]);
    const told = answers.map((answer) => [answer.statusCode, answer.json().result, answer.json().reason]);
    expect(told).toEqual([
      [200, 'accepted', undefined],
      [200, 'rejected', 'invalid_code'],
      [200, 'rejected', 'replayed'],
      [200, 'rejected', 'unknown_subject'],
      [429, undefined, undefined],
      [200, 'accepted', undefined],
      [200, 'accepted', undefined],
      [200, 'rejected', 'replayed'],
    ]);
    expect(answers[5]?.json()).toEqual(answers[6]?.json());
    expect((await attemptsOf(waiting.subject)).at(-1)).toMatchObject({ result: 'throttled' });
    expect(await attemptsOf(repeated.subject)).toHaveLength(1);
  });

  it('lets nobody’s broken secret take down those whose codes came with it', async () => {
    const [broken, ...others] = [await enrolled(), await enrolled(), await enrolled(), await enrolled()];
    await platform.dataSource.query(`UPDATE mfa.factors SET secret = '\\x0102' WHERE id = $1`, [broken?.factorId]);
    const all = [...others.slice(0, 1), broken, ...others.slice(1)] as Person[];
    const answers = await Promise.all(
      all.map((person) => post({ subject: person.subject, factor: 'totp', code: codeOf(person) })),
    );
    expect(answers.map((answer) => answer.json().result ?? answer.statusCode)).toEqual([
      'accepted',
      500,
      'accepted',
      'accepted',
    ]);
  });

  it('counts failures down, then makes the subject wait without evaluating, and forgets them with a success', async () => {
    const person = await enrolled();
    const wrong = wrongCode(person.secret, now());
    for (const attemptsLeft of [4, 3, 2, 1, 0])
      expect(await verify(person.subject, wrong)).toMatchObject({ result: 'rejected', attemptsLeft });
    const refused = await post({ subject: person.subject, factor: 'totp', code: codeOf(person) });
    expect([refused.statusCode, refused.headers['retry-after'], refused.json().type]).toEqual([
      429,
      '30',
      'urn:signet:problem:too-many-attempts',
    ]);
    platform.clock.advance(STEP);
    expect(await verify(person.subject, wrongCode(person.secret, now()))).toMatchObject({ attemptsLeft: 0 });
    const again = await post({ subject: person.subject, factor: 'totp', code: codeOf(person) });
    expect(again.headers['retry-after']).toBe('60');
    platform.clock.advance(60_000);
    expect(await verify(person.subject, codeOf(person))).toMatchObject({ result: 'accepted' });
    expect(await verify(person.subject, wrongCode(person.secret, now()))).toMatchObject({ attemptsLeft: 4 });
    const results = (await attemptsOf(person.subject)).map(({ result }) => result);
    expect(results).toEqual([
      ...Array.from({ length: 5 }, () => 'rejected'),
      'throttled',
      'rejected',
      'throttled',
      'accepted',
      'rejected',
    ]);
  });

  it('evaluates no more than five of 20 parallel guesses on two instances', async () => {
    const { subject, secret } = await enrolled();
    const body = { subject, factor: 'totp', code: wrongCode(secret, now()) };
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => post(body, { at: index % 2 === 0 ? app : other })),
    );
    const left = answers
      .filter(({ statusCode }) => statusCode === 200)
      .map((answer) => answer.json<Verification>().attemptsLeft ?? 0);
    expect(left.toSorted((a, b) => b - a)).toEqual([4, 3, 2, 1, 0]);
    const results = (await attemptsOf(subject)).map(({ result }) => result);
    expect(results.filter((result) => result === 'throttled')).toHaveLength(15);
    expect(results).toHaveLength(20);
  });

  it('counts the failures of all kinds of factors together', async () => {
    const { subject, secret } = await enrolled();
    for (const factor of ['totp', 'recovery', 'totp', 'recovery', 'totp'])
      await post({ subject, factor, code: wrongCode(secret, now()) });
    expect((await post({ subject, factor: 'recovery', code: 'x' })).statusCode).toBe(429);
  });

  it('does not take a replayed code for a failure', async () => {
    const person = await enrolled();
    const code = codeOf(person);
    await verify(person.subject, code);
    for (let index = 0; index < 7; index += 1)
      expect(await verify(person.subject, code)).toMatchObject({ reason: 'replayed', attemptsLeft: 5 });
  });

  it('locks the factor after 20 failures in a row, and only it', async () => {
    const person = await enrolled();
    await fail(person, 20);
    const { subject, factorId } = person;
    expect(await verify(subject, codeOf(person))).toMatchObject({ result: 'rejected', reason: 'locked' });
    const { items } = (await call('GET', `/v1/subjects/${subject}/factors`)).json();
    expect(items).toMatchObject([
      { id: factorId, type: 'totp', status: 'locked' },
      { type: 'recovery', status: 'active' },
    ]);
    platform.clock.advance(3_600_000);
    const [code] = person.recoveryCodes;
    expect(await verify(subject, code ?? '', { factor: 'recovery' })).toMatchObject({ result: 'accepted' });
    const locks = (await auditOf(subject)).filter(({ action }) => action === 'factor.lock');
    expect(locks).toMatchObject([{ factorId, actor: 'system', reason: 'too-many-failures' }]);
  });

  it('resets with a success only the factor that succeeded', async () => {
    const subject = await newSubject();
    const [first, second] = [await enroll(subject), await enroll(subject)];
    await fail(first, 3);
    for (let index = 0; index < 25; index += 1) {
      expect(await verify(subject, codeOf(second))).toMatchObject({ result: 'accepted', factorId: second.factorId });
      platform.clock.advance(STEP);
    }
    const failures = await platform.dataSource.query('SELECT id, failures FROM mfa.factors WHERE id = ANY($1)', [
      [first.factorId, second.factorId],
    ]);
    expect(new Map(failures.map((row: { id: string; failures: number }) => [row.id, row.failures]))).toEqual(
      new Map([
        [first.factorId, 3],
        [second.factorId, 0],
      ]),
    );
    expect(await verify(subject, codeOf(first))).toMatchObject({ result: 'accepted', factorId: first.factorId });
  });

  it('answers for an unknown subject as for a known one with a wrong code, also when it makes them wait', async () => {
    const person = await enrolled();
    const ask = async (subject: string) => {
      const answer = await post({ subject, factor: 'totp', code: wrongCode(person.secret, now()) }, { key: plain });
      const { id: _id, instance: _instance, requestId: _requestId, ...body } = answer.json();
      return { status: answer.statusCode, retryAfter: answer.headers['retry-after'], body };
    };
    for (let index = 0; index < 7; index += 1) expect(await ask('nobody-1')).toEqual(await ask(person.subject));
    platform.clock.advance(STEP);
    expect(await ask('nobody-1')).toEqual(await ask(person.subject));
    expect(await attemptsOf('nobody-1')).toHaveLength(8);
    expect(await eventsOf('nobody-1')).toHaveLength(8);
  });

  it.each<[string, (person: Person) => Promise<string>]>([
    ['unknown_subject', async () => 'nobody-2'],
    ['no_factor', newSubject],
    [
      'revoked',
      async ({ subject, factorId }) => {
        await call('POST', `/v1/factors/${factorId}/revoke`, { reason: 'other' });
        return subject;
      },
    ],
    ['invalid_code', async ({ subject }) => subject],
  ])(
    'tells the reason %s to a key that may know it, to the audit log and to events, and to nobody else',
    async (reason, prepare) => {
      const person = await enrolled();
      const subject = await prepare(person);
      const code = wrongCode(person.secret, now());
      expect(await verify(subject, code)).toMatchObject({ result: 'rejected', reason, attemptsLeft: 4 });
      const answer = await post({ subject, factor: 'totp', code }, { key: plain });
      expect(answer.json()).toEqual({ id: expect.any(String), result: 'rejected', reason: 'failed', attemptsLeft: 3 });
      expect((await attemptsOf(subject)).map((entry) => entry.reason)).toEqual([reason, reason]);
      const events = (await eventsOf(subject)).filter(({ type }) => type === 'verification.rejected');
      expect(events.map(({ data }) => VerificationDataSchema.parse(data).reason)).toEqual([reason, reason]);
    },
  );

  it('gives the same Idempotency-Key what was recorded: accepted stays accepted, and it counts once', async () => {
    const person = await enrolled();
    const body = { subject: person.subject, factor: 'totp', code: codeOf(person) };
    const headers = { 'idempotency-key': 'a' };
    const answers = await Promise.all([1, 2, 3].map(() => post(body, { headers })));
    expect(new Set(answers.map(({ body: text }) => text)).size).toBe(1);
    expect(answers[0]?.json()).toMatchObject({ result: 'accepted' });
    expect(await attemptsOf(person.subject)).toHaveLength(1);
    const reused = await post({ ...body, code: wrongCode(person.secret, now()) }, { headers });
    expect([reused.statusCode, reused.json().type]).toEqual([409, 'urn:signet:problem:idempotency-conflict']);
  });

  it('leaves the Idempotency-Key of a refused attempt free for the one after the wait', async () => {
    const person = await enrolled();
    for (let index = 0; index < 5; index += 1) await verify(person.subject, wrongCode(person.secret, now()));
    const body = { subject: person.subject, factor: 'totp', code: codeOf(person, 1) };
    const headers = { 'idempotency-key': 'b' };
    expect((await post(body, { headers })).statusCode).toBe(429);
    platform.clock.advance(STEP);
    expect((await post(body, { headers })).json()).toMatchObject({ result: 'accepted' });
  });

  it('takes a recovery code once, however it is typed and however many send it, and not for anybody else', async () => {
    const [person, stranger] = [await enrolled(), await enrolled()];
    const [first = '', second = ''] = person.recoveryCodes;
    const body = { subject: person.subject, factor: 'recovery', code: first };
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(body)));
    const results = answers.map((answer) => answer.json<Verification>());
    expect(results.filter(({ result }) => result === 'accepted')).toHaveLength(1);
    expect(results.filter(({ reason }) => reason === 'replayed')).toHaveLength(19);
    const foreign = await post({ subject: stranger.subject, factor: 'recovery', code: second });
    expect(foreign.json()).toMatchObject({ reason: 'invalid_code' });
    const typed = second.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l');
    expect(await verify(person.subject, typed, { factor: 'recovery' })).toMatchObject({ result: 'accepted' });
  });

  it('records who, where and what in the audit log, and only the network in the event', async () => {
    const person = await enrolled();
    const context = {
      ip: '203.0.113.77',
      userAgent: 'Mozilla/5.0',
      deviceId: 'device-1',
      country: 'DE',
      biometric: 'passed',
      codeId: '0190163d-8694-739b-aea5-966c26f8ad91',
    };
    const { id } = await verify(person.subject, codeOf(person), { context });
    const [entry] = await attemptsOf(person.subject);
    const { userAgent: _userAgent, ...recorded } = context;
    expect(entry).toMatchObject({
      ...recorded,
      actor: expect.stringMatching(/^key:/),
      subject: person.subject,
      factorId: person.factorId,
      result: 'accepted',
      requestId: expect.any(String),
    });
    const [event] = await eventsOf(person.subject);
    expect(event?.type).toBe('verification.accepted');
    expect(VerificationDataSchema.parse(event?.data)).toEqual({
      ...recorded,
      ip: '203.0.113.0',
      workspaceId,
      verificationId: id,
      subject: person.subject,
      factorId: person.factorId,
      factorType: 'totp',
      result: 'accepted',
      at: now().toISOString(),
      signals: [],
      riskScore: 0,
    });
    const { id: subjectId } = (await call('GET', `/v1/subjects/${person.subject}`)).json();
    expect(event?.key).toBe(subjectId);
  });

  it.each([
    ['no code', { subject: 's', factor: 'totp' }],
    ['an unknown factor', { subject: 's', factor: 'sms', code: '1' }],
    ['an unknown field', { subject: 's', factor: 'totp', code: '1', bypass: true }],
    ['an address that is none', { subject: 's', factor: 'totp', code: '1', context: { ip: 'localhost' } }],
    ['a control character', { subject: 's\u0000', factor: 'totp', code: '1' }],
  ])('refuses %s', async (_what, body) => {
    const answer = await post(body);
    expect([answer.statusCode, answer.json().type]).toEqual([422, 'urn:signet:problem:invalid-request']);
  });

  it('needs the scope', async () => {
    const key = await newKey(['enroll:write', 'verify:reason']);
    expect((await post({ subject: 's', factor: 'totp', code: '1' }, { key })).statusCode).toBe(403);
  });

  it('has written no secret and no code into a table, an event, an error or a log line, in whichever form', async () => {
    const written = [...logged, ...refusals];
    const tables: { name: string }[] = await platform.dataSource.query(
      `SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables
       WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')`,
    );
    for (const { name } of tables) {
      // Binary columns come as hex.
      const rows: { row: string }[] = await platform.dataSource.query(`SELECT t::text AS row FROM ${name} t`);
      written.push(...rows.map(({ row }) => row));
    }
    expect(secrets.size).toBeGreaterThan(100);
    expect(refusals.length).toBeGreaterThan(20);
    const text = written.join('\n').toLowerCase();
    const found = [...secrets].filter((secret) => {
      const at = text.indexOf(secret.toLowerCase());
      if (at < 0) return false;
      // The digits of a code stand in longer numbers by chance.
      return !/^\d{6}$/.test(secret) || new RegExp(`\\b${secret}\\b`).test(text);
    });
    expect(found).toEqual([]);
  });
});
