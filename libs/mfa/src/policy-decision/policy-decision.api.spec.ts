import { PolicyDryRunSchema } from '@signet/contracts';
import { newId } from '@signet/platform';
import { MfaApp } from '../mfa-app.fixture.js';
import type { People } from '../people.fixture.js';
import { SubjectDemands } from '../subject-demands.js';

describe('decisions of policies about subjects', () => {
  let service: MfaApp;
  let people: People;

  beforeAll(async () => {
    service = await MfaApp.open();
    ({ people } = service);
    await people.enroll('enrolled', { roles: ['dba'] });
    await people.call('PUT', '/v1/subjects/new', { roles: ['dba'] });
    await people.call('PUT', '/v1/subjects/guest', {});
    await people.call('PUT', '/v1/subjects/left', { roles: ['dba'] });
    await people.call('POST', '/v1/subjects/left/offboard', { reason: 'left' });
  });
  afterAll(() => service.close());

  const evaluate = async (subject: string, context = {}) =>
    (await people.call('POST', '/v1/policies/evaluate', { subject, context })).json();

  it('answers what a subject needs, with the reasons, and denies whoever was offboarded', async () => {
    const terms = { name: 'Admins', match: { roles: ['dba'] }, mfa: 'required', priority: 10 };
    const policy = (await people.call('POST', '/v1/policies', terms)).json();
    expect(await evaluate('enrolled')).toEqual({
      decision: 'challenge',
      factors: ['totp'],
      policyId: policy.id,
      graceUntil: null,
      stepUp: null,
      reasons: ['policy *Admins* matched role `dba`', 'MFA is required at every login'],
    });
    expect(await evaluate('new')).toMatchObject({ decision: 'enroll', factors: ['totp'] });
    expect(await evaluate('guest')).toMatchObject({ decision: 'allow', policyId: null });
    expect(await evaluate('left')).toMatchObject({ decision: 'deny' });
    const nobody = await evaluate('nobody');
    expect(nobody).toEqual(await evaluate('guest'));
    await people.call('DELETE', `/v1/policies/${policy.id}`);
    expect(await evaluate('new')).toMatchObject({ decision: 'allow', policyId: null });
  });

  it('rehearses a policy over everybody and changes nothing', async () => {
    const policy = { name: 'All', mfa: 'required', match: { roles: ['dba'] } };
    const before = (await people.call('GET', '/v1/policies')).json();
    const report = (await people.call('POST', '/v1/policies/dry-run', { policy })).json();
    expect(PolicyDryRunSchema.parse(report)).toMatchObject({
      subjects: 3,
      matched: 2,
      decisions: { allow: 1, challenge: 1, enroll: 1, deny: 0 },
      lockedOut: { count: 1, samples: [{ subject: 'new' }] },
      unprotected: { count: 1, samples: [{ subject: 'guest' }] },
      inGrace: { count: 0, samples: [] },
      changed: 1,
    });
    expect((await people.call('GET', '/v1/policies')).json()).toEqual(before);
    const gentle = (await people.call('POST', '/v1/policies/dry-run', { policy: { ...policy, graceDays: 7 } })).json();
    expect(gentle).toMatchObject({ lockedOut: { count: 0 }, inGrace: { count: 1, samples: [{ subject: 'new' }] } });
  });

  it('rehearses a policy in the place of one that is there', async () => {
    const terms = { name: 'There', match: { roles: ['dba'] }, mfa: 'required', priority: 10 };
    const { id } = (await people.call('POST', '/v1/policies', terms)).json();
    const dryRun = { policy: { ...terms, mfa: 'off' }, replaces: id };
    const report = (await people.call('POST', '/v1/policies/dry-run', dryRun)).json();
    expect(report).toMatchObject({ matched: 2, lockedOut: { count: 0 }, unprotected: { count: 2 }, changed: 2 });
    const missing = { ...dryRun, replaces: '01a2101d-dcaa-720b-80a9-5aa1f45b4ffd' };
    expect((await people.call('POST', '/v1/policies/dry-run', missing)).statusCode).toBe(404);
    await people.call('DELETE', `/v1/policies/${id}`);
  });

  it('says what an alert demands of a subject as a verification would, until it is met, and locks nobody out by it', async () => {
    const { platform, app } = service;
    const person = await people.enroll('suspect');
    const [recovery = ''] = await people.recoveryCodes('suspect');
    const { workspaceId } = (await people.call('GET', '/v1/whoami')).json();
    const demand = (subject: string) => {
      const until = new Date(platform.clock.now().getTime() + 600_000);
      const more = { workspaceId, subject, until, alertId: newId() };
      return platform.dataSource.transaction((manager) => app.get(SubjectDemands).demand(manager, more));
    };
    const verify = async (body: object) =>
      (await people.call('POST', '/v1/verifications', { subject: 'suspect', factor: 'totp', ...body })).json();
    const before = { suspect: await evaluate('suspect'), guest: await evaluate('guest') };
    expect([await demand('suspect'), await demand('guest')]).toEqual([true, true]);

    const because = 'an alert about the subject demands more for a time';
    expect(await evaluate('suspect')).toEqual({
      decision: 'challenge',
      factors: ['totp', 'recovery'],
      policyId: null,
      graceUntil: null,
      stepUp: { factors: ['recovery', 'totp'], reasons: [because] },
      reasons: ['no policy matched: MFA is optional', because, 'more is demanded than a password'],
    });
    expect(await evaluate('guest')).toEqual(before.guest);

    platform.clock.advance(1000);
    const first = await verify({ code: people.code(person) });
    expect(first).toMatchObject({ result: 'step_up', stepUp: { factors: ['recovery'], reasons: [because] } });
    expect(await verify({ factor: 'recovery', code: recovery, stepUpOf: first.id })).toMatchObject({
      result: 'accepted',
    });
    expect(await evaluate('suspect')).toEqual(before.suspect);
  });

  it('may be asked with the scope verify or enroll:read, and no other', async () => {
    const status = async (scope: string): Promise<number> => {
      const { key } = (await people.call('POST', '/v1/api-keys', { name: 'k', scopes: [scope] })).json();
      const authorization = { authorization: `Bearer ${key}` };
      return (await people.call('POST', '/v1/policies/evaluate', { subject: 's' }, authorization)).statusCode;
    };
    expect(await Promise.all(['verify', 'enroll:read', 'enroll:write', 'codes:write'].map(status))).toEqual([
      200, 200, 200, 403,
    ]);
  });
});
