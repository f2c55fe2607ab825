import { EnrollmentEventSchema } from '@signet/contracts';
import { wrongCode, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { MfaApp } from './mfa-app.fixture.js';
import type { People } from './people.fixture.js';
import { SubjectEndings } from './subject-endings.js';

describe('the end of a subject, and the end of its waiting', () => {
  let service: MfaApp;
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let other: NestFastifyApplication;
  let people: People;
  let elsewhere: People;

  beforeAll(async () => {
    service = await MfaApp.open();
    ({ platform, app, people } = service);
    ({ app: other, people: elsewhere } = await service.beside());
  });
  afterAll(async () => {
    await other.close();
    await service.close();
  });

  const offboard = (subject: string) =>
    people.call('POST', `/v1/subjects/${subject}/offboard`, { reason: 'left the company' });
  const reenable = (subject: string) =>
    people.call('POST', `/v1/subjects/${subject}/reenable`, { reason: 'came back' });
  const epochOf = async (subject: string): Promise<number> => {
    const [row] = await platform.dataSource.query('SELECT epoch FROM mfa.subjects WHERE subject = $1', [subject]);
    return Number(row.epoch);
  };

  it('ends every factor, says how much, and tells it once', async () => {
    const person = await people.enroll('leaver');
    await people.enroll('leaver');
    await people.recoveryCodes('leaver');
    const answer = await offboard('leaver');
    expect([answer.statusCode, answer.json()]).toEqual([
      200,
      {
        factorsRevoked: 3,
        devicesRevoked: 0,
        enrollmentsRevoked: 0,
        sessionsRevoked: 0,
        codesRevoked: 0,
        propagation: 'effective',
      },
    ]);
    const verified = await elsewhere.verify('leaver', people.code(person));
    expect(verified.json()).toMatchObject({ result: 'rejected', reason: 'offboarded' });
    expect((await offboard('leaver')).json()).toMatchObject({ factorsRevoked: 0 });
    expect((await people.auditActions('leaver')).filter((action) => action === 'subject.offboard')).toHaveLength(1);
    const events = (await people.events('leaver')).filter(({ type }) => !type.startsWith('verification'));
    expect(events.map(({ type }) => type)).toEqual([
      'factor.revoked',
      'factor.revoked',
      'factor.revoked',
      'subject.offboarded',
    ]);
    for (const { data } of events) EnrollmentEventSchema.shape.data.parse(data);
    const secrets = await platform.dataSource.query(
      `SELECT f.id FROM mfa.factors f JOIN mfa.subjects s ON s.id = f.subject_id
       WHERE s.subject = 'leaver' AND f.secret IS NOT NULL`,
    );
    expect(secrets).toEqual([]);
  });

  it('accepts no code after it has returned, on any instance, however they race', async () => {
    for (let round = 0; round < 5; round += 1) {
      const person = await people.enroll(`racer-${round}`);
      const code = people.code(person);
      const ending = offboard(person.subject);
      const racing = [people, elsewhere, people, elsewhere].map((at) => at.verify(person.subject, code));
      expect((await ending).statusCode).toBe(200);
      expect((await elsewhere.verify(person.subject, code)).json()).toMatchObject({ reason: 'offboarded' });
      const accepted = (await Promise.all(racing)).filter((answer) => answer.json().result === 'accepted');
      expect(accepted.length).toBeLessThanOrEqual(1);
    }
  });

  it('lets a subject begin anew without what it had, in a later epoch', async () => {
    const person = await people.enroll('returner');
    await offboard('returner');
    const offboarded = await epochOf('returner');
    expect((await reenable('returner')).json()).toMatchObject({ subject: 'returner', status: 'active' });
    expect(await epochOf('returner')).toBeGreaterThan(offboarded);
    expect((await people.verify('returner', people.code(person))).json()).toMatchObject({ reason: 'revoked' });
    const again = await people.enroll('returner');
    expect((await people.verify('returner', people.code(again))).json()).toMatchObject({ result: 'accepted' });
    expect(await epochOf('returner')).toBeGreaterThan(offboarded);
  });

  it('takes no other way out of the end: neither a PUT nor a PATCH', async () => {
    await people.call('PUT', '/v1/subjects/gone', {});
    await offboard('gone');
    await people.call('PUT', '/v1/subjects/gone', { displayName: 'Still gone' });
    const patched = await people.call('PATCH', '/v1/subjects/gone', { status: 'active' });
    expect([patched.statusCode, patched.json().type]).toEqual([409, 'urn:signet:problem:subject-offboarded']);
    expect((await people.call('GET', '/v1/subjects/gone')).json()).toMatchObject({ status: 'offboarded' });
  });

  it('ends in one transaction what other contexts registered, and hears whether it reached everywhere', async () => {
    let ended = 0;
    app.get(SubjectEndings, { strict: false }).register(async (_manager, { subject }) => {
      if (subject.subject === 'failing') throw new Error('cannot end that');
      ended += 1;
      return { codesRevoked: 2, afterCommit: async () => 'pending' };
    });
    await people.enroll('registered');
    expect((await offboard('registered')).json()).toMatchObject({
      factorsRevoked: 1,
      codesRevoked: 2,
      propagation: 'pending',
    });
    expect(ended).toBe(1);
    const person = await people.enroll('failing');
    expect((await offboard('failing')).statusCode).toBe(500);
    expect((await people.verify('failing', people.code(person))).json()).toMatchObject({ result: 'accepted' });
  });

  it('suspends without ending anything', async () => {
    const person = await people.enroll('pausing');
    await people.call('PATCH', '/v1/subjects/pausing', { status: 'suspended' });
    expect((await people.verify('pausing', people.code(person))).json()).toMatchObject({ reason: 'suspended' });
    await people.call('PATCH', '/v1/subjects/pausing', { status: 'active' });
    expect((await people.verify('pausing', people.code(person))).json()).toMatchObject({ result: 'accepted' });
    expect(await people.auditActions('pausing')).toEqual(expect.arrayContaining(['subject.suspend', 'subject.resume']));
  });

  it('unlocks a factor that failures locked, and ends the wait', async () => {
    const person = await people.enroll('locked');
    for (let index = 0; index < 20; index += 1) {
      await people.verify('locked', wrongCode(person.secret, platform.clock.now()));
      platform.clock.advance(3_600_000);
    }
    expect((await people.verify('locked', people.code(person))).json()).toMatchObject({ reason: 'locked' });
    const unlocked = await people.call('POST', '/v1/subjects/locked/unlock', { reason: 'called the help desk' });
    expect(unlocked.json()).toEqual({ factorsUnlocked: 1, failuresForgotten: 21 });
    expect((await people.verify('locked', people.code(person))).json()).toMatchObject({ result: 'accepted' });
    expect(await people.auditActions('locked')).toContain('subject.unlock');
    await offboard('locked');
    expect((await people.call('POST', '/v1/subjects/locked/unlock', { reason: 'no' })).statusCode).toBe(409);
  });
});
