import { CreatePolicySchema, PolicyDecisionSchema, POLICY_FACTORS, type PolicyTerms } from '@signet/contracts';
import fc from 'fast-check';
import { evaluatePolicies, type EvaluatedSubject, type Evaluation } from './evaluate-policies.js';
import type { EffectivePolicy } from './policy.js';

const at = new Date('2026-11-24T12:00:00Z');
const DAY = 86_400_000;
const id = (number: number): string => `01a2101d-dcaa-720b-80a9-${String(number).padStart(12, '0')}`;

const anna: EvaluatedSubject = {
  subject: 'anna',
  groups: ['vpn'],
  roles: ['dba'],
  status: 'active',
  createdAt: new Date(at.getTime() - 30 * DAY),
  factors: [],
  hasVerified: false,
};
const withTotp: EvaluatedSubject = { ...anna, factors: [{ type: 'totp', status: 'active' }] };
let ids = 0;
const policy = (terms: object, requiredSince = new Date(0)): EffectivePolicy => ({
  id: id(++ids),
  terms: CreatePolicySchema.parse({ name: 'P', mfa: 'required', ...terms }),
  requiredSince,
});
const evaluate = (subject: EvaluatedSubject, policies: EffectivePolicy[], context = {}) =>
  evaluatePolicies({ subject, policies, context, at });

describe('evaluatePolicies', () => {
  it('asks those who have a factor and lets the others in where no policy matches', () => {
    const none = policy({ match: { roles: ['root'] } });
    expect(evaluate(withTotp, [none])).toMatchObject({ decision: 'challenge', factors: ['totp'], policyId: null });
    expect(evaluate(anna, [none]).reasons).toEqual([
      'policy *P* did not match: the subject is none of those whom it names',
      'no policy matched: MFA is optional',
      'MFA is optional at every login',
      'nothing is enrolled',
    ]);
  });

  it.each([
    [{}, 'everybody'],
    [{ subjects: ['anna'] }, 'the subject by name'],
    [{ roles: ['root', 'dba'] }, 'role `dba`'],
    [{ roles: ['root'], groups: ['vpn'] }, 'group `vpn`'],
    [{ networks: ['10.0.0.0/8'] }, 'everybody in its networks'],
    [{ networks: ['2001:db8::/32', '10.1.2.3'] }, 'everybody in its networks'],
  ])('matches %j because of %s', (match, because) => {
    const { reasons } = evaluate(withTotp, [policy({ match })], { ip: '10.1.2.3' });
    expect(reasons[0]).toBe(`policy *P* matched ${because}`);
  });

  it.each([
    [{ groups: ['VPN'] }, { ip: '10.1.2.3' }],
    [{ networks: ['10.0.0.0/8'] }, { ip: '11.1.2.3' }],
    [{ networks: ['10.0.0.0/8'] }, {}],
    [{ networks: ['2001:db8::/32'] }, { ip: '10.1.2.3' }],
    [{ roles: ['dba'], networks: ['192.0.2.0/24'] }, { ip: '10.1.2.3' }],
  ])('does not match %j for %j', (match, context) => {
    expect(evaluate(withTotp, [policy({ match })], context).policyId).toBeNull();
  });

  it('sees IPv4 in an IPv6 socket’s spelling', () => {
    const inside = policy({ match: { networks: ['10.0.0.0/8'] } });
    expect(evaluate(withTotp, [inside], { ip: '::ffff:10.1.2.3' }).policyId).toBe(inside.id);
  });

  it('lets the highest priority decide, and the older of equal ones; a disabled one never', () => {
    const [low, high, twin] = [policy({ priority: 1 }), policy({ priority: 5 }), policy({ priority: 5 })];
    const off = policy({ priority: 9, enabled: false });
    expect(evaluate(withTotp, [twin, low, off, high]).policyId).toBe(high.id);
  });

  it('gives days of grace from the later of the subject’s creation and the policy’s requirement', () => {
    const graceful = (days: number, since: Date) => evaluate(anna, [policy({ graceDays: days }, since)]);
    const yesterday = new Date(at.getTime() - DAY);
    expect(graceful(2, yesterday)).toMatchObject({
      decision: 'allow',
      graceUntil: new Date(at.getTime() + DAY).toISOString(),
    });
    expect(graceful(1, yesterday)).toMatchObject({ decision: 'enroll', factors: ['totp'], graceUntil: null });
    const fresh = { ...anna, createdAt: at };
    expect(evaluate(fresh, [policy({ graceDays: 1 }, new Date(0))])).toMatchObject({ decision: 'allow' });
  });

  it.each<[string, object, EvaluatedSubject, object, string]>([
    ['off', { mfa: 'off' }, withTotp, {}, 'allow'],
    ['first-login, first', { enforce: 'first-login' }, withTotp, {}, 'challenge'],
    ['first-login, later', { enforce: 'first-login' }, { ...withTotp, hasVerified: true }, {}, 'allow'],
    [
      'first-login, new device',
      { enforce: 'first-login' },
      { ...withTotp, hasVerified: true },
      { riskSignals: ['new-device'] },
      'challenge',
    ],
    ['high-risk, calm', { enforce: 'high-risk' }, withTotp, {}, 'allow'],
    ['high-risk, risky', { enforce: 'high-risk' }, withTotp, { riskSignals: ['impossible-travel'] }, 'challenge'],
    ['a kind that is not accepted', { factors: ['device'] }, withTotp, {}, 'enroll'],
    ['suspended', { mfa: 'off' }, { ...anna, status: 'suspended' }, {}, 'deny'],
    ['offboarded', { mfa: 'off' }, { ...anna, status: 'offboarded' }, {}, 'deny'],
    ['locked', {}, { ...anna, factors: [{ type: 'totp', status: 'locked' }] }, {}, 'deny'],
    ['recovery only', {}, { ...anna, factors: [{ type: 'recovery', status: 'active' }] }, {}, 'challenge'],
    [
      'recovery only, not accepted',
      { recovery: false },
      { ...anna, factors: [{ type: 'recovery', status: 'active' }] },
      {},
      'enroll',
    ],
  ])('decides %s', (_what, terms, subject, context, decision) => {
    expect(evaluate(subject, [policy(terms)], context).decision).toBe(decision);
  });

  it('demands more where all conditions of a rule hold, and lets nobody enroll just then', () => {
    const stepUp = [
      { when: { actions: ['wire'], networksOutside: ['10.0.0.0/8'] }, require: { driftSteps: 0 } },
      { when: { countriesOutside: ['NO'] }, require: { factors: ['device', 'recovery'] } },
      { when: { actions: ['wire'] }, require: { factors: ['recovery', 'webauthn'] } },
    ];
    const demanding = policy({ mfa: 'off', stepUp });
    expect(evaluate(withTotp, [demanding], { ip: '10.0.0.1', country: 'NO' })).toMatchObject({
      decision: 'allow',
      stepUp: null,
    });
    expect(evaluate(withTotp, [demanding], { action: 'wire', country: 'SE' })).toMatchObject({
      decision: 'challenge',
      stepUp: {
        driftSteps: 0,
        factors: ['recovery'],
        reasons: [
          'policy *P* demands more because the action is `wire` and the address is not known',
          'policy *P* demands more because the country is `SE`',
          'policy *P* demands more because the action is `wire`',
        ],
      },
    });
    expect(evaluate(anna, [demanding], { action: 'wire', country: 'NO' }).decision).toBe('deny');
  });
});

const word = fc.constantFrom('a', 'b', 'c');
const words = fc.option(fc.uniqueArray(word, { minLength: 1 }), { nil: undefined });
const network = fc.constantFrom('10.0.0.0/8', '10.1.0.0/16', '2001:db8::/32', '192.0.2.7');
const networks = fc.option(fc.array(network, { minLength: 1, maxLength: 3 }), { nil: undefined });
const kinds = fc.uniqueArray(fc.constantFrom(...POLICY_FACTORS), { minLength: 1 });
const termsOf: fc.Arbitrary<PolicyTerms> = fc
  .record({
    name: word,
    priority: fc.nat(3),
    enabled: fc.boolean(),
    match: fc.record({ groups: words, roles: words, subjects: words, networks }),
    mfa: fc.constantFrom('required', 'optional', 'off'),
    enforce: fc.constantFrom('first-login', 'every-login', 'high-risk'),
    graceDays: fc.nat(60),
    factors: kinds,
    recovery: fc.boolean(),
    stepUp: fc.array(
      fc.record({
        when: fc.record({ actions: words, networksOutside: networks }),
        require: fc.record({ factors: kinds }),
      }),
      { maxLength: 2 },
    ),
  })
  .map((terms) => CreatePolicySchema.parse(terms));
const policiesOf = fc
  .array(fc.tuple(termsOf, fc.option(fc.date({ noInvalidDate: true, max: new Date('2030-01-01') }))), { maxLength: 6 })
  .map((list) => list.map(([terms, requiredSince], index) => ({ id: id(index), terms, requiredSince })));
const subjectOf: fc.Arbitrary<EvaluatedSubject> = fc.record({
  subject: word,
  groups: fc.array(word),
  roles: fc.array(word),
  status: fc.constantFrom('active', 'suspended', 'offboarded'),
  createdAt: fc.date({ noInvalidDate: true, min: new Date(0), max: at }),
  factors: fc.array(
    fc.record({ type: fc.constantFrom(...POLICY_FACTORS), status: fc.constantFrom('active', 'locked') }),
  ),
  hasVerified: fc.boolean(),
});
const contextOf = fc.record(
  {
    ip: fc.constantFrom('10.1.2.3', '10.9.9.9', '2001:db8::1', '::ffff:192.0.2.7'),
    action: word,
    riskSignals: fc.array(word),
  },
  { requiredKeys: [] },
);
const evaluationOf: fc.Arbitrary<Evaluation> = fc.record({
  subject: subjectOf,
  policies: policiesOf,
  context: contextOf,
  at: fc.constant(at),
});

describe('evaluatePolicies, whatever it is given,', () => {
  it('answers, with reasons', () => {
    fc.assert(
      fc.property(evaluationOf, (evaluation) => {
        const decision = PolicyDecisionSchema.parse(evaluatePolicies(evaluation));
        expect(decision.reasons.length).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });

  it('answers the same again, and in any order of the policies, and touches nothing', () => {
    fc.assert(
      fc.property(evaluationOf, fc.nat(), (evaluation, turn) => {
        const { policies } = evaluation;
        const before = structuredClone(policies);
        const first = evaluatePolicies(evaluation);
        const place = policies.length === 0 ? 0 : turn % policies.length;
        const turned = [...policies.slice(place), ...policies.slice(0, place)].toReversed();
        expect(evaluatePolicies({ ...evaluation, policies: turned })).toEqual(first);
        expect(policies).toEqual(before);
      }),
      { numRuns: 500 },
    );
  });

  it('never lets somebody in without a factor whom a policy requires one of, once the grace is over', () => {
    fc.assert(
      fc.property(evaluationOf, ({ subject, policies, context }) => {
        const strict = policies.map((one) => ({
          ...one,
          terms: { ...one.terms, mfa: 'required' as const, enforce: 'every-login' as const, graceDays: 0 },
          requiredSince: new Date(0),
        }));
        const nobody = { ...subject, factors: [] };
        const { decision, policyId } = evaluatePolicies({ subject: nobody, policies: strict, context, at });
        expect(policyId === null || ['enroll', 'deny'].includes(decision)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('asks only for kinds that the subject has and the policy accepts', () => {
    fc.assert(
      fc.property(evaluationOf, (evaluation) => {
        const { decision, factors } = evaluatePolicies(evaluation);
        const active = evaluation.subject.factors.flatMap(({ type, status }) => (status === 'active' ? [type] : []));
        expect(decision !== 'challenge' || (factors.length > 0 && factors.every((kind) => active.includes(kind)))).toBe(
          true,
        );
      }),
      { numRuns: 500 },
    );
  });
});
