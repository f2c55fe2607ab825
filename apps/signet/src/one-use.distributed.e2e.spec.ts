import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  ClaimedEnrollmentSchema,
  ConfirmedEnrollmentSchema,
  CreatedEnrollmentSchema,
  VerificationSchema,
  type Verification,
} from '@signet/contracts';
import { freePort, RedirectFleet, ServiceProcess, stepBefore, totp, untilStepHasLeft } from '@signet/testing';
import { Client } from 'pg';

const PEOPLE = 24;
const POSTS = 50;
/** Enough for all posts of a test and for a start of PostgreSQL, so that the codes are of one step. */
const NEEDED_SECONDS = 20;
/** Of what starts stores and services, on a machine that does something else, too. */
const TIMEOUT_MILLISECONDS = 240_000;

const { SIGNET_TEST_DATABASE_URL, SIGNET_TEST_REDIS_URL } = process.env;
const describeHere = SIGNET_TEST_DATABASE_URL && SIGNET_TEST_REDIS_URL ? describe : describe.skip;

interface Person {
  subject: string;
  secret: string;
  recoveryCodes: string[];
}

describeHere('what works once, in two processes on real stores', () => {
  let fleet: RedirectFleet;
  let verifiers: ServiceProcess[] = [];
  let enrollers: ServiceProcess[] = [];
  const secrets = new Set<string>();
  let names = 0;

  beforeAll(async () => {
    fleet = await RedirectFleet.start({ redirects: 0, stores: ['postgres', 'redis'], others: ['verification'] });
    const second = async (app: string): Promise<ServiceProcess> => {
      const directory = { SIGNET_DATA_DIR: join(fleet.stores.directory, `${app}-2`) };
      const environment = { ...fleet.environment, ...directory, SIGNET_LOG_LEVEL: 'trace' };
      const service = new ServiceProcess(`apps/${app}/dist/main.js`, [], await freePort(), environment);
      await service.start();
      return service;
    };
    verifiers = [fleet.other('verification'), await second('verification')];
    enrollers = [fleet.api, await second('enrollment')];
  }, TIMEOUT_MILLISECONDS);
  afterAll(async () => {
    await Promise.all([verifiers[1]?.end('SIGKILL'), enrollers[1]?.end('SIGKILL')]);
    await fleet.stop();
  });

  const connect = async (): Promise<Client> => {
    const client = new Client({ connectionString: fleet.environment['DATABASE_URL'] });
    // PostgreSQL is killed under it.
    client.on('error', () => {});
    await client.connect();
    return client;
  };
  const read = async <Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> => {
    const client = await connect();
    const { rows } = await client.query<Row>(sql, values);
    await client.end();
    return rows;
  };
  /** To one of the services, which take turns. */
  const post = (services: readonly ServiceProcess[], turn: number, path: string, body: object, headers = {}) =>
    fetch(`${services[turn % services.length]?.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${fleet.key}`, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  const many = (services: readonly ServiceProcess[], path: string, body: object): Promise<Response[]> =>
    Promise.all(Array.from({ length: POSTS }, (_, turn) => post(services, turn, path, body)));
  const statuses = (answers: readonly Response[]): Record<number, number> =>
    Object.fromEntries(
      [...Map.groupBy(answers, ({ status }) => status)].map(([status, alike]) => [status, alike.length]),
    );

  const newSubject = async (): Promise<string> => {
    const subject = `once-${++names}`;
    expect((await fleet.call('PUT', `/v1/subjects/${subject}`, {})).status).toBe(200);
    return subject;
  };
  /** Confirmed with the code of the step before, so that the one of this step is free. */
  const enroll = async (): Promise<Person> => {
    const subject = await newSubject();
    const begun = await fleet.call('POST', '/v1/enrollments', { subject, delivery: 'inline' });
    const enrollment = CreatedEnrollmentSchema.parse(await begun.json());
    if (enrollment.delivery !== 'inline') throw new Error('not in place');
    const { id, secret, claimToken } = enrollment;
    secrets.add(secret).add(claimToken);
    await untilStepHasLeft(1);
    const code = totp(secret, stepBefore(new Date()));
    const confirmed = await fleet.call('POST', `/v1/enrollments/${id}/confirm`, { code, claimToken });
    expect(confirmed.status).toBe(200);
    const { recoveryCodes } = ConfirmedEnrollmentSchema.parse(await confirmed.json());
    for (const recoveryCode of recoveryCodes) secrets.add(recoveryCode);
    return { subject, secret, recoveryCodes };
  };
  const attemptsOf = (subject: string) =>
    read<{ result: string; reason: string }>(
      `SELECT record->>'result' AS result, record->>'reason' AS reason FROM audit.entries
       WHERE record->>'subject' = $1 AND record->>'action' = 'verification.attempt'`,
      [subject],
    );

  it.each<[string, (person: Person) => object]>([
    ['TOTP code', ({ secret }) => ({ factor: 'totp', code: totp(secret, new Date()) })],
    ['recovery code', ({ recoveryCodes: [code] }) => ({ factor: 'recovery', code })],
  ])('accepts one of 50 parallel posts of a %s, and counts the rest right', async (_what, codeOf) => {
    await untilStepHasLeft(NEEDED_SECONDS);
    const person = await enroll();
    const { subject } = person;
    const answers = await many(verifiers, '/v1/verifications', { subject, ...codeOf(person) });
    const results = await Promise.all(answers.map(async (answer) => VerificationSchema.parse(await answer.json())));
    expect(results.filter(({ result }) => result === 'accepted')).toHaveLength(1);
    expect(results.filter(({ reason, attemptsLeft }) => reason === 'replayed' && attemptsLeft === 5)).toHaveLength(49);
    const attempts = await attemptsOf(subject);
    expect(attempts.filter(({ result }) => result === 'accepted')).toHaveLength(1);
    expect(attempts.filter(({ reason }) => reason === 'replayed')).toHaveLength(49);
  });

  it('grants one of 50 parallel claims of a link, and one of 50 confirmations of its code', async () => {
    await untilStepHasLeft(NEEDED_SECONDS);
    const subject = await newSubject();
    const created = await fleet.call('POST', '/v1/enrollments', { subject, delivery: 'link', requirePin: true });
    const link = CreatedEnrollmentSchema.parse(await created.json());
    if (link.delivery !== 'link') throw new Error('not a link');
    const { claimUrl, pin = '' } = link;
    const token = new URL(claimUrl).pathname.slice(1);
    secrets.add(token).add(pin);
    const claims = await many(enrollers, '/v1/enrollments/claim', { token, pin });
    expect(statuses(claims)).toEqual({ 200: 1, 410: 49 });
    const winner = claims.find(({ status }) => status === 200);
    const { enrollmentId, claimToken, secret } = ClaimedEnrollmentSchema.parse(await winner?.json());
    secrets.add(claimToken).add(secret);
    const code = totp(secret, new Date());
    const confirmations = await many(enrollers, `/v1/enrollments/${enrollmentId}/confirm`, { code, claimToken });
    expect(statuses(confirmations)).toEqual({ 200: 1, 410: 49 });
    const factors = await read<{ type: string; status: string }>(
      `SELECT f.type, f.status FROM mfa.factors f JOIN mfa.subjects s ON s.id = f.subject_id WHERE s.subject = $1`,
      [subject],
    );
    expect(factors.map(({ type, status }) => `${type} ${status}`).toSorted()).toEqual([
      'recovery active',
      'totp active',
    ]);
  });

  it(
    'accepts nothing without its audit entry, and burns no step without its answer, when PostgreSQL is killed',
    async () => {
      const people: Person[] = [];
      for (let count = 0; count < PEOPLE; count += 1) people.push(await enroll());
      await untilStepHasLeft(NEEDED_SECONDS);
      const attempts = people.map(({ subject, secret }) => {
        const code = totp(secret, new Date());
        secrets.add(code);
        return { body: { subject, factor: 'totp', code }, headers: { 'idempotency-key': randomUUID() } };
      });
      const ask = async (turn: number): Promise<Verification | undefined> => {
        const attempt = attempts[turn];
        const answer =
          attempt &&
          (await post(verifiers, turn, '/v1/verifications', attempt.body, attempt.headers).catch(() => undefined));
        return answer?.status === 200 ? VerificationSchema.parse(await answer.json()) : undefined;
      };
      const holder = await connect();
      await holder.query('BEGIN');
      // Half of them: the others' attempts are decided meanwhile, or stand in the same transaction as one that waits.
      await holder.query('SELECT FROM mfa.subjects WHERE subject = ANY($1) FOR UPDATE', [
        people.filter((_person, index) => index % 4 < 2).map(({ subject }) => subject),
      ]);
      const watcher = await connect();
      const asked = Promise.all(attempts.map((_attempt, turn) => ask(turn)));
      const waiting = async (): Promise<number> => {
        const { rows } = await watcher.query<{ n: number }>(
          `SELECT count(*)::int AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock'`,
        );
        return rows[0]?.n ?? 0;
      };
      while ((await waiting()) < verifiers.length) await pause(5);
      await fleet.stores.kill('postgres');
      await holder.end().catch(() => {});
      await watcher.end().catch(() => {});
      await fleet.stores.start('postgres');
      const told = await asked;

      const agree = async (): Promise<string[]> => {
        const rows = await read<{ subject: string; burnt: boolean; recorded: string[]; audited: number }>(
          `SELECT s.subject, bool_or(f.last_used_at IS NOT NULL) AS burnt,
           ARRAY(SELECT v.id::text FROM mfa.verifications v WHERE v.subject = s.subject AND v.result = 'accepted') AS recorded,
           (SELECT count(*)::int FROM audit.entries a WHERE a.record->>'subject' = s.subject
              AND a.record->>'action' = 'verification.attempt' AND a.record->>'result' = 'accepted') AS audited
         FROM mfa.subjects s JOIN mfa.factors f ON f.subject_id = s.id AND f.type = 'totp'
         WHERE s.subject = ANY($1) GROUP BY s.subject`,
          [people.map(({ subject }) => subject)],
        );
        expect(rows).toHaveLength(PEOPLE);
        for (const { burnt, recorded, audited } of rows)
          expect([burnt, recorded.length, audited]).toEqual(burnt ? [true, 1, 1] : [false, 0, 0]);
        return rows.flatMap(({ recorded }) => recorded);
      };
      const durable = await agree();
      const accepted = told.flatMap((answer) => (answer?.result === 'accepted' ? [answer.id] : []));
      expect(accepted.filter((id) => !durable.includes(id))).toEqual([]);
      expect(accepted.length).toBeLessThan(PEOPLE);

      for (const turn of attempts.keys()) {
        let answer = await ask(turn);
        while (!answer) {
          await pause(100);
          answer = await ask(turn);
        }
        expect([turn, answer.result]).toEqual([turn, 'accepted']);
        expect(told[turn]?.id ?? answer.id).toBe(answer.id);
      }
      expect(await agree()).toHaveLength(PEOPLE);
    },
    TIMEOUT_MILLISECONDS,
  );

  it('has printed no secret, token or code', () => {
    const printed = [...verifiers, ...enrollers].map(({ output }) => output).join('\n');
    expect(printed.split('\n').length).toBeGreaterThan(POSTS);
    expect(secrets.size).toBeGreaterThan(20);
    const found = [...secrets].filter((secret) => new RegExp(`(?<![\\w-])${secret}(?![\\w-])`, 'i').test(printed));
    expect(found).toEqual([]);
  });
});
