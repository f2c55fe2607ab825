import { VerificationDataSchema, type Policy } from '@signet/contracts';
import { wrongCode, type TestPlatform } from '@signet/testing';
import { MfaApp } from '../mfa-app.fixture.js';
import type { People, Person } from '../people.fixture.js';

describe('what policies and addresses demand of a verification', () => {
  let service: MfaApp;
  let platform: TestPlatform;
  let people: People;

  beforeAll(async () => {
    service = await MfaApp.open({
      now: '2026-11-24T12:00:05Z',
      settings: { SIGNET_FAILED_VERIFICATIONS_PER_MINUTE: '10' },
    });
    ({ platform, people } = service);
  });
  afterAll(() => service.close());

  /** For one person only, so that tests do not meet. */
  const policyFor = async (person: { subject: string }, terms: object): Promise<Policy> => {
    const match = { subjects: [person.subject] };
    const answer = await people.call('POST', '/v1/policies', { name: 'p', mfa: 'required', match, ...terms });
    expect(answer.statusCode).toBe(201);
    return answer.json();
  };
  const ask = async (person: Person, code: string, more: object = {}) =>
    (await people.verify(person.subject, code, more)).json();

  it('asks for a code of the running step where a policy demands it, and takes the late one for used', async () => {
    const person = await people.enroll('transfers');
    await policyFor(person, { stepUp: [{ when: { actions: ['transfer'] }, require: { driftSteps: 0 } }] });
    platform.clock.advance(30_000);
    const context = { action: 'transfer' };
    const late = await ask(person, people.code(person, -1), { context });
    expect(late).toEqual({
      id: expect.any(String),
      result: 'step_up',
      factorId: person.factorId,
      stepUp: { driftSteps: 0, reasons: ['policy *p* demands more because the action is `transfer`'] },
    });
    expect(await ask(person, people.code(person, -1))).toMatchObject({ reason: 'replayed' });
    expect(await ask(person, people.code(person), { context })).toMatchObject({ result: 'accepted' });
    const events = await people.events('transfers');
    const [stepUp] = events.filter(({ type }) => type === 'verification.step_up');
    expect(VerificationDataSchema.parse(stepUp?.data)).toMatchObject({ result: 'step_up', reason: 'current_step' });
  });

  it('demands a second factor of another kind, and takes each first one for one answer only', async () => {
    const person = await people.enroll('wires');
    const [one = '', two = ''] = await people.recoveryCodes('wires');
    await policyFor(person, {
      stepUp: [{ when: { riskSignals: ['new-device'] }, require: { factors: ['recovery'] } }],
    });
    const context = { riskSignals: ['new-device'] };
    const first = await ask(person, people.code(person), { context });
    expect(first).toMatchObject({ result: 'step_up', stepUp: { factors: ['recovery'] } });
    platform.clock.advance(30_000);
    const sameKind = await ask(person, people.code(person), { context, stepUpOf: first.id });
    expect(sameKind).toMatchObject({ result: 'step_up' });
    const second = { factor: 'recovery', context, stepUpOf: first.id };
    expect(await ask(person, one, second)).toMatchObject({ result: 'accepted' });
    expect(await ask(person, two, second)).toMatchObject({ result: 'step_up' });
  });

  it('takes no first factor that is too old, of somebody else, or whose device is lost meanwhile', async () => {
    const [person, other] = [await people.enroll('slow'), await people.enroll('quick')];
    const stepUp = [{ when: {}, require: { factors: ['recovery'] } }];
    await policyFor(person, { stepUp });
    await policyFor(other, { stepUp });
    const first = await ask(person, people.code(person));
    const [ofOther = ''] = await people.recoveryCodes('quick');
    const answer = (code: string) => ({ factor: 'recovery', stepUpOf: first.id, code });
    expect(await ask(other, ofOther, answer(ofOther))).toMatchObject({ result: 'step_up' });
    const [early = '', late = ''] = await people.recoveryCodes('slow');
    await people.call('POST', `/v1/factors/${person.factorId}/revoke`, { reason: 'device-lost' });
    expect(await ask(person, early, answer(early))).toMatchObject({ result: 'step_up' });
    platform.clock.advance(6 * 60_000);
    expect(await ask(person, late, answer(late))).toMatchObject({ result: 'step_up' });
  });

  it('refuses a kind that the policy does not accept, and drift where it allows none', async () => {
    const person = await people.enroll('strict');
    const [code = ''] = await people.recoveryCodes('strict');
    const policy = await policyFor(person, { recovery: false, totp: { driftSteps: 0 } });
    expect(await ask(person, code, { factor: 'recovery' })).toMatchObject({ reason: 'not_allowed' });
    platform.clock.advance(30_000);
    expect(await ask(person, people.code(person, -1))).toMatchObject({ reason: 'invalid_code' });
    await people.call('PATCH', `/v1/policies/${policy.id}`, { recovery: true });
    expect(await ask(person, code, { factor: 'recovery' })).toMatchObject({ result: 'accepted' });
  });

  it('enrolls with the parameters of the policy', async () => {
    await people.call('PUT', '/v1/subjects/eight', {});
    await policyFor({ subject: 'eight' }, { totp: { algorithm: 'SHA256', digits: 8, period: 60 } });
    await people.enroll('eight');
    const [row] = await platform.dataSource.query(
      `SELECT f.parameters FROM mfa.factors f JOIN mfa.subjects s ON s.id = f.subject_id WHERE s.subject = 'eight'`,
    );
    expect(row.parameters).toEqual({ algorithm: 'SHA256', digits: 8, periodSeconds: 60 });
  });

  it('tells the owner by an event of a code that came twice, once a step', async () => {
    const person = await people.enroll('watched');
    const code = people.code(person);
    for (let index = 0; index < 4; index += 1) await ask(person, code);
    const notices = async () => (await people.events('watched')).filter(({ type }) => type === 'factor.replayed');
    expect(await notices()).toMatchObject([{ data: { factorId: person.factorId, reason: 'replayed' } }]);
    platform.clock.advance(30_000);
    for (let index = 0; index < 2; index += 1) await ask(person, people.code(person));
    expect(await notices()).toHaveLength(2);
  });

  it('remembers where a factor was last used', async () => {
    const person = await people.enroll('placed');
    const context = { ip: '198.51.100.77', country: 'NO' };
    await ask(person, people.code(person), { context });
    const { items } = (await people.call('GET', '/v1/subjects/placed/factors')).json();
    expect(items).toMatchObject([{ lastUsedFrom: { ip: '198.51.100.0', country: 'NO' } }]);
  });

  it('makes an address wait that guesses at many, and never one whose codes are right', async () => {
    const context = { ip: '203.0.113.9' };
    const person = await people.enroll('behind-nat');
    for (let index = 0; index < 12; index += 1) {
      expect(await ask(person, people.code(person), { context })).toMatchObject({ result: 'accepted' });
      platform.clock.advance(30_000);
    }
    const guess = (index: number) =>
      people.verify(`sprayed-${index}`, wrongCode(person.secret, platform.clock.now()), { context });
    for (let index = 0; index < 10; index += 1) expect((await guess(index)).statusCode).toBe(200);
    const refused = await guess(10);
    expect([refused.statusCode, refused.json().type]).toEqual([429, 'urn:signet:problem:too-many-attempts']);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    const elsewhere = { context: { ip: '203.0.113.10' } };
    expect(await ask(person, people.code(person), elsewhere)).toMatchObject({ result: 'accepted' });
    expect(await people.auditActions('sprayed-10')).toEqual(['verification.attempt']);
  });
});
