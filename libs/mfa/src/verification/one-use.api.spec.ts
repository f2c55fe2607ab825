import type { Verification } from '@signet/contracts';
import { wrongCode, type TestPlatform } from '@signet/testing';
import fc from 'fast-check';
import { MfaApp } from '../mfa-app.fixture.js';
import type { People, Person } from '../people.fixture.js';

const STEP = 30_000;
const HOUR = 3_600_000;
const RUNS = 25;

describe('one use of a code, and few guesses', () => {
  let service: MfaApp;
  let platform: TestPlatform;
  let people: People;
  let plain: string;
  let names = 0;

  beforeAll(async () => {
    service = await MfaApp.open({ now: '2026-11-24T12:00:05Z' });
    ({ platform, people } = service);
    plain = (await people.call('POST', '/v1/api-keys', { name: 'login', scopes: ['verify'] })).json().key;
  });
  afterAll(() => service.close());

  const enrolled = (): Promise<Person> => people.enroll(`one-use-${++names}`);
  const now = (): Date => platform.clock.now();
  const verify = async (subject: string, code: string, more: object = {}): Promise<Verification> =>
    (await people.verify(subject, code, more)).json();

  it('opens nothing again when the clock of the server leaps back', async () => {
    const person = await enrolled();
    const today = now();
    const [before, used] = [people.code(person, -1), people.code(person)];
    expect(await verify(person.subject, used)).toMatchObject({ result: 'accepted' });
    for (const back of [STEP, 5 * STEP, 24 * HOUR]) {
      platform.clock.set(new Date(today.getTime() - back));
      for (const code of [before, used, people.code(person), people.code(person, -1)])
        expect((await verify(person.subject, code)).result ?? 'refused').not.toBe('accepted');
    }
    platform.clock.set(new Date(today.getTime() + HOUR));
    expect(await verify(person.subject, people.code(person))).toMatchObject({ result: 'accepted' });
  });

  it('keeps the end of a wait where it is when the clock leaps back', async () => {
    const person = await enrolled();
    const today = now();
    for (let index = 0; index < 5; index += 1) await verify(person.subject, wrongCode(person.secret, now()));
    platform.clock.set(new Date(today.getTime() - HOUR));
    const refused = await people.verify(person.subject, people.code(person));
    expect([refused.statusCode, Number(refused.headers['retry-after'])]).toEqual([429, 3630]);
    platform.clock.set(new Date(today.getTime() + STEP));
    expect(await verify(person.subject, people.code(person))).toMatchObject({ result: 'accepted' });
  });

  it('looks at 20 guesses at one factor at most, whatever the route', async () => {
    const [person, other] = [await enrolled(), await enrolled()];
    const { subject, secret, factorId } = person;
    const recovery = await people.recoveryCodes(subject);
    const guess = (): string => wrongCode(secret, now());
    const routes: ((turn: number) => Promise<unknown>)[] = [
      () => people.verify(subject, guess()),
      () =>
        people.call(
          'POST',
          '/v1/verifications',
          { subject, factor: 'totp', code: guess() },
          { authorization: `Bearer ${plain}` },
        ),
      (turn) =>
        people.call(
          'POST',
          '/v1/verifications',
          { subject, factor: 'totp', code: guess() },
          { 'idempotency-key': `guess-${turn}` },
        ),
      (turn) => people.verify(subject, guess(), { context: { ip: `203.0.113.${turn % 250}`, deviceId: `d-${turn}` } }),
      () => people.verify(subject, guess(), { stepUpOf: '0190163d-8694-739b-aea5-966c26f8ad91' }),
      () => people.verify(subject, 'AAAAA-AAAAA-AAAAA-AAAAA', { factor: 'recovery' }),
      () => people.verify(subject, ` ${guess()} `),
      () => Promise.all(Array.from({ length: 10 }, () => people.verify(subject, guess()))),
      // What must not make anybody begin to count anew.
      () => people.verify(other.subject, people.code(other)),
      (turn) => people.call('PUT', `/v1/subjects/${subject}`, { displayName: `turn ${turn}` }),
      () => people.call('PATCH', `/v1/subjects/${subject}`, { status: 'suspended' }),
      () => people.call('PATCH', `/v1/subjects/${subject}`, { status: 'active' }),
      () => people.recoveryCodes(subject),
    ];
    for (let turn = 0; turn < 8 * routes.length; turn += 1) {
      await routes[turn % routes.length]?.(turn);
      platform.clock.advance(turn % 3 === 0 ? HOUR : STEP);
    }
    await people.call('PATCH', `/v1/subjects/${subject}`, { status: 'active' });
    platform.clock.advance(HOUR);
    expect(await verify(subject, people.code(person))).toMatchObject({ result: 'rejected', reason: 'locked' });
    const looked: { type: string; failures: number }[] = await platform.dataSource.query(
      `SELECT f.type, f.failures FROM mfa.factors f JOIN mfa.subjects s ON s.id = f.subject_id WHERE s.subject = $1`,
      [subject],
    );
    expect(Math.max(...looked.map(({ failures }) => failures))).toBe(20);
    const [row] = await platform.dataSource.query('SELECT status, failures FROM mfa.factors WHERE id = $1', [factorId]);
    expect(row).toEqual({ status: 'locked', failures: 20 });
    expect(recovery).toHaveLength(10);
  });

  it('answers alike until long after a factor is locked, for an unknown name and for one without a factor', async () => {
    const person = await enrolled();
    const revoked = await enrolled();
    await people.call('POST', `/v1/factors/${revoked.factorId}/revoke`, { reason: 'other' });
    const bare = `bare-${++names}`;
    await people.call('PUT', `/v1/subjects/${bare}`, {});
    const ask = async (subject: string) => {
      const body = { subject, factor: 'totp', code: wrongCode(person.secret, now()) };
      const answer = await people.call('POST', '/v1/verifications', body, { authorization: `Bearer ${plain}` });
      const { id: _id, instance: _instance, requestId: _requestId, ...rest } = answer.json();
      return { status: answer.statusCode, retryAfter: answer.headers['retry-after'], rest };
    };
    for (let index = 0; index < 24; index += 1) {
      const known = await ask(person.subject);
      for (const name of [revoked.subject, bare, 'nobody-locked']) expect(await ask(name)).toEqual(known);
      platform.clock.advance(index % 2 === 0 ? HOUR : 1000);
    }
    platform.clock.advance(24 * HOUR);
    for (let index = 0; index < 10; index += 1) {
      await ask(person.subject);
      platform.clock.advance(HOUR);
    }
    expect(await verify(person.subject, people.code(person))).toMatchObject({ reason: 'locked' });
  });

  it('lets no sequence of operations make one code work twice', async () => {
    type Step = (person: Person, accepted: string[]) => Promise<unknown>;
    const note = async (accepted: string[], code: string, answer: Promise<Verification>): Promise<void> => {
      if ((await answer).result === 'accepted') accepted.push(code);
    };
    const step = (offset: number): Step => {
      return (person, accepted) => {
        const code = people.code(person, offset);
        return note(accepted, code, verify(person.subject, code));
      };
    };
    const steps: Record<string, Step> = {
      'the code of now': step(0),
      'the code before': step(-1),
      'the code after': step(1),
      'one code many times at once': (person, accepted) => {
        const code = people.code(person);
        const all = Array.from({ length: 4 }, () => note(accepted, code, verify(person.subject, code)));
        return Promise.all(all);
      },
      'a wrong code': (person) => verify(person.subject, wrongCode(person.secret, now())),
      'a while': async () => platform.clock.advance(STEP / 2),
      'a long while': async () => platform.clock.advance(HOUR),
      'a leap back': async () => platform.clock.set(new Date(now().getTime() - STEP)),
      unlock: ({ subject }) => people.call('POST', `/v1/subjects/${subject}/unlock`, { reason: 'test' }),
      suspend: ({ subject }) => people.call('PATCH', `/v1/subjects/${subject}`, { status: 'suspended' }),
      resume: ({ subject }) => people.call('PATCH', `/v1/subjects/${subject}`, { status: 'active' }),
      offboard: ({ subject }) => people.call('POST', `/v1/subjects/${subject}/offboard`, { reason: 'test' }),
      reenable: ({ subject }) => people.call('POST', `/v1/subjects/${subject}/reenable`, { reason: 'test' }),
      rename: ({ factorId }) => people.call('PATCH', `/v1/factors/${factorId}`, { name: 'phone' }),
      revoke: ({ factorId }) => people.call('POST', `/v1/factors/${factorId}/revoke`, { reason: 'other' }),
      'new recovery codes': async ({ subject }) => {
        const { status } = (await people.call('GET', `/v1/subjects/${subject}`)).json();
        return status === 'active' ? people.recoveryCodes(subject) : undefined;
      },
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...Object.keys(steps)), { minLength: 5, maxLength: 25 }),
        async (sequence) => {
          const person = await enrolled();
          const [recoveryCode = ''] = await people.recoveryCodes(person.subject);
          const accepted: string[] = [];
          for (const [index, name] of sequence.entries()) {
            await steps[name]?.(person, accepted);
            if (index % 4 === 0)
              await note(accepted, recoveryCode, verify(person.subject, recoveryCode, { factor: 'recovery' }));
          }
          // Two steps have the same digits once in a million, which is no second use.
          expect(new Set(accepted).size).toBe(accepted.length);
        },
      ),
      { numRuns: RUNS },
    );
  });
});
