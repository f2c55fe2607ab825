import { AnomalyRuleSetSchema, type RuleName } from '@signet/contracts';
import { newId } from '@signet/platform';
import { DAY_MS, HOUR_MS, MINUTE_MS, type Finding } from './finding.js';
import { attempt, CODE, scan, WORKSPACE } from './happenings.fixture.js';
import { together, toOccurrence } from './occurrence.js';
import { count, limitOf, newRate } from './rate.js';
import { judgeGuessing, judgeRefusedClaim } from './strangers.js';
import { kilometresBetween } from './territory.js';
import { Profiles, watchAttempt, watchScan, watchSilence } from './watch.js';

const RULES = AnomalyRuleSetSchema.parse({});
const START = Date.parse('2026-03-02T08:00:00Z');

/** What is found in verifications that follow one another. */
class Subject {
  readonly profiles = new Profiles();
  constructor(private readonly rules = RULES) {}

  verify(...args: Parameters<typeof attempt>): RuleName[] {
    return this.watch(...args).map(({ rule }) => rule);
  }
  watch(...args: Parameters<typeof attempt>): Finding[] {
    return watchAttempt(this.profiles, attempt(...args), this.rules);
  }
  /** A person who comes every day at eight. */
  static known(days = 10, rules = RULES): Subject {
    const subject = new Subject(rules);
    for (let day = 0; day < days; day += 1) subject.verify(START - (days - day) * DAY_MS);
    return subject;
  }
}

describe('verifications of a subject', () => {
  it('say nothing of a person who does what they always do', () => {
    expect(Subject.known().verify(START)).toEqual([]);
  });

  it('alert of a kind of device that the subject never had, once, and of none of a new subject', () => {
    const subject = Subject.known();
    const [finding] = subject.watch(START, { deviceType: 'desktop', os: 'Windows' });
    expect(finding).toMatchObject({
      rule: 'new_device',
      numbers: { successes: 10, kindsOfDevice: 1 },
      threshold: { minSuccesses: 5, minAgeHours: 24 },
      sentence: 'anna was verified on a desktop with Windows, for the first time; so far: phone with iOS.',
    });
    expect(subject.verify(START + HOUR_MS, { deviceType: 'desktop', os: 'Windows' })).toEqual([]);
    const fresh = new Subject();
    for (let index = 0; index < 9; index += 1) fresh.verify(START + index * MINUTE_MS);
    expect(fresh.verify(START + HOUR_MS, { deviceType: 'desktop' })).toEqual([]);
  });

  it('learn nothing from codes that were wrong', () => {
    const subject = Subject.known();
    subject.verify(START, { result: 'rejected', country: 'FR', deviceType: 'desktop' });
    expect(subject.verify(START + DAY_MS, { country: 'FR' })).toEqual(['unexpected_country']);
    expect(subject.verify(START + 2 * DAY_MS, { deviceType: 'desktop' })).toEqual(['new_device']);
  });

  it('alert of a country that is not on the list, from the first on, whatever was learned', () => {
    const rules = AnomalyRuleSetSchema.parse({ unexpected_country: { expected: ['DE', 'CH'] } });
    const subject = new Subject(rules);
    expect(subject.verify(START, { country: 'DE' })).toEqual([]);
    expect(subject.verify(START + DAY_MS, { country: 'AT' })).toEqual(['unexpected_country']);
    expect(subject.verify(START + 2 * DAY_MS, { country: 'AT' })).toEqual(['unexpected_country']);
  });

  it('alert of a journey that nobody makes, with kilometres and speed, in whichever order the log tells it', () => {
    const subject = Subject.known();
    subject.verify(START, { country: 'CH' });
    const findings = subject.watch(START + HOUR_MS, { country: 'US' });
    expect(findings.map(({ rule }) => rule)).toEqual(['unexpected_country', 'impossible_travel']);
    const travel = findings[1];
    expect(travel?.numbers['kilometres']).toBeGreaterThan(4500);
    expect(travel?.numbers['kilometres']).toBeLessThan(6500);
    expect(travel?.threshold).toEqual({ kilometres: 500, kilometresPerHour: 800 });
    expect(travel?.evidence).toHaveLength(2);
    expect(subject.verify(START + 30 * MINUTE_MS, { country: 'CH' })).toEqual(['impossible_travel']);
  });

  it('let people cross borders, fly, and have two phones at once in neighbouring countries', () => {
    const subject = Subject.known();
    expect(subject.verify(START + MINUTE_MS, { country: 'FR' })).toEqual(['unexpected_country']);
    expect(subject.verify(START + 2 * MINUTE_MS, { country: 'CH' })).toEqual([]);
    expect(subject.verify(START + 9 * HOUR_MS, { country: 'US' })).toEqual(['unexpected_country']);
  });

  it('alert of an hour of the day in which the person never came, and not of the hour beside it', () => {
    const subject = Subject.known(70);
    expect(subject.verify(START + HOUR_MS)).toEqual([]);
    expect(subject.verify(START + 18 * HOUR_MS)).toEqual(['unusual_hour']);
    expect(RULES.unusual_hour.mode).toBe('shadow');
  });

  it('alert of wrong codes beyond what is usual, a few times in a flood, and never of one typing error', () => {
    const subject = Subject.known();
    const wrong = { result: 'rejected', reason: 'invalid_code' } as const;
    const at: number[] = [];
    for (let index = 1; index <= 100; index += 1)
      if (subject.verify(START + index * 1000, wrong).includes('subject_failures')) at.push(index);
    expect(at).toEqual([6, 12, 24, 48, 96]);
    expect(Subject.known().verify(START, wrong)).toEqual([]);
  });

  it('alert of a network that tries many people, and of a workspace, though each tries little', () => {
    const profiles = new Profiles();
    const rules = new Set<RuleName>();
    for (let index = 0; index < 60; index += 1) {
      const data = { result: 'rejected', subject: `person-${index}`, ip: '203.0.113.0' } as const;
      for (const { rule } of watchAttempt(profiles, attempt(START + index * 1000, data), RULES)) rules.add(rule);
    }
    expect([...rules]).toEqual(['network_failures', 'workspace_failures']);
  });
});

describe('a rate', () => {
  const window = { windowMs: MINUTE_MS, band: { minimum: 10, sigmas: 4 } };
  const feed = (rate: ReturnType<typeof newRate>, minute: number, times: number): number => {
    let told = 0;
    for (let index = 0; index < times; index += 1)
      if (count(rate, { at: minute * MINUTE_MS, id: newId() }, window)) told += 1;
    return told;
  };

  it('grows used to what is usual, and is told of what is not', () => {
    const rate = newRate();
    for (let minute = 1; minute <= 100; minute += 1) feed(rate, minute, 30 + (minute % 3));
    expect(limitOf(rate, window.band)).toBeGreaterThan(40);
    expect(feed(rate, 101, 31)).toBe(0);
    expect(feed(rate, 102, 80)).toBe(1);
  });

  it('does not take a flood for usual at once', () => {
    const rate = newRate();
    for (let minute = 1; minute <= 50; minute += 1) feed(rate, minute, 5);
    for (let minute = 51; minute <= 53; minute += 1) expect(feed(rate, minute, 1000)).toBeGreaterThan(0);
    expect(limitOf(rate, window.band)).toBeLessThan(40);
  });

  it('forgets in time, and counts nothing of windows that have passed', () => {
    const rate = newRate();
    for (let minute = 1; minute <= 50; minute += 1) feed(rate, minute, 100);
    feed(rate, 10_000, 1);
    expect(rate.mean).toBe(0);
    feed(rate, 9000, 500);
    expect(rate.n).toBe(1);
  });
});

describe('scans of a code', () => {
  /** A poster that is scanned every quarter of an hour from 6 to 22. */
  function poster(days: number): Profiles {
    const profiles = new Profiles();
    for (let day = 0; day < days; day += 1)
      for (let quarter = 24; quarter < 88; quarter += 1)
        watchScan(profiles, scan(Date.UTC(2026, 2, 2) + day * DAY_MS + quarter * 15 * MINUTE_MS), RULES);
    return profiles;
  }
  const silence = (profiles: Profiles, at: string): Finding | undefined =>
    watchSilence(
      profiles.of({ workspaceId: WORKSPACE, scope: 'code', name: CODE }),
      { workspaceId: WORKSPACE, codeId: CODE, now: Date.parse(at) },
      RULES,
    );

  it('that is revoked are alerted of, each, in one matter', () => {
    const found = [0, 1].flatMap(
      (index) => watchScan(new Profiles(), scan(START + index, { outcome: 'revoked', country: 'NO' }), RULES).findings,
    );
    expect(found[0]?.sentence).toBe('Somebody in NO scanned /poster, which is revoked: copies of it are still about.');
    expect(together(found)).toMatchObject([
      { count: 2, finding: { evidence: found.flatMap(({ evidence }) => evidence) } },
    ]);
  });

  it('alert of a busy code that falls silent, by the hours of its day, once, until it is scanned again', () => {
    const profiles = poster(21);
    // The last scan was on Sunday at 21:45; the night is always quiet.
    expect(silence(profiles, '2026-03-23T05:30:00Z')).toBeUndefined();
    expect(silence(profiles, '2026-03-23T09:00:00Z')).toBeUndefined();
    const found = silence(profiles, '2026-03-23T14:00:00Z');
    expect(found).toMatchObject({ rule: 'code_silent', threshold: { probability: 1e-6, usualPerDay: 20 } });
    expect(found?.numbers['usualScans']).toBeCloseTo(33, 0);
    expect(found?.numbers['probability']).toBeLessThan(1e-6);
    expect(silence(profiles, '2026-03-23T15:00:00Z')).toBeUndefined();
    expect(watchScan(profiles, scan('2026-03-23T16:00:00Z'), RULES).isSilenceOver).toBe(true);
  });

  it('say nothing of silence where there are too few, or where it was watched for too short', () => {
    expect(silence(poster(10), '2026-03-13T20:00:00Z')).toBeUndefined();
    const rare = new Profiles();
    for (let day = 0; day < 30; day += 1) watchScan(rare, scan(START + day * DAY_MS), RULES);
    expect(silence(rare, '2026-04-05T20:00:00Z')).toBeUndefined();
  });

  it('alert of a code that wakes after a month, once several come, and not of a single scan', () => {
    const profiles = poster(3);
    const wake = Date.UTC(2026, 4, 1, 3);
    const told = Array.from({ length: 12 }, (_, index) =>
      watchScan(profiles, scan(wake + index * MINUTE_MS), RULES).findings.map(({ rule }) => rule),
    );
    expect(told.flat()).toEqual(['code_wakes']);
    expect(told[9]).toEqual(['code_wakes']);
  });

  it('alert of one network that scans a code again and again, and not of a crowd from many', () => {
    const found = (ipOf: (index: number) => string): RuleName[] => {
      const profiles = new Profiles();
      return Array.from({ length: 200 }, (_, index) =>
        watchScan(profiles, scan(START + index * 200, { ip: ipOf(index) }), RULES).findings.map(({ rule }) => rule),
      ).flat();
    };
    expect(found(() => '203.0.113.0')).toEqual(['network_burst']);
    expect(found((index) => `203.0.${index % 40}.0`)).toEqual([]);
  });

  it('keep profiles small, however many networks come', () => {
    const profiles = new Profiles();
    for (let index = 0; index < 5000; index += 1)
      watchScan(profiles, scan(START + index, { ip: `10.${index % 250}.${index >> 8}.0` }), RULES);
    expect(JSON.stringify(Array.from(profiles.all)).length).toBeLessThan(4000);
  });
});

describe('strangers', () => {
  const guess = { kind: 'slug', ip: '203.0.113.0', count: 61, limit: 60, windowSeconds: 60 } as const;
  const times = { from: '2026-03-02T08:00:00.000Z', to: '2026-03-02T08:00:30.000Z' };

  it('that guess slugs are alerted of where the codes are somebody’s', () => {
    const finding = judgeGuessing({ id: newId(), data: { ...guess, ...times, workspaceId: WORKSPACE } });
    expect(finding).toMatchObject({
      numbers: { tries: 61 },
      threshold: { tries: 60 },
      sentence: 'Somebody in 203.0.113.0 asked for slugs that do not exist 61 times within 1 minute; the limit is 60.',
    });
    expect(judgeGuessing({ id: newId(), data: { ...guess, ...times } })).toBeUndefined();
  });

  it('who hold a copy of an enrollment link are alerted of, and not who reloads their own', () => {
    const data = { workspaceId: WORKSPACE, subjectId: newId(), subject: 'anna', codeId: CODE, at: times.to };
    const claimed = { ...data, claimedAt: times.from };
    expect(judgeRefusedClaim({ id: newId(), data: claimed })).toMatchObject({ subject: 'anna', codeId: CODE });
    expect(judgeRefusedClaim({ id: newId(), data: { ...claimed, sameVisitor: true } })).toBeUndefined();
  });
});

describe('the distance of countries', () => {
  it.each([
    ['CH', 'FR', 0, 0],
    ['CH', 'CH', 0, 0],
    ['DE', 'GB', 100, 450],
    ['NO', 'IT', 1000, 1500],
    ['CH', 'JP', 8000, 10_000],
    ['FR', 'RE', 7000, 9500],
    ['NZ', 'ES', 15_000, 20_000],
  ])('between %s and %s is that of their nearest points, at most', (one, other, least, most) => {
    const kilometres = kilometresBetween(one, other) ?? NaN;
    expect(kilometres).toBeGreaterThanOrEqual(least);
    expect(kilometres).toBeLessThanOrEqual(most);
    expect(kilometresBetween(other, one)).toBe(kilometres);
  });

  it('is not known of what is no country', () => {
    expect(kilometresBetween('CH', 'XX')).toBeUndefined();
  });
});

describe('the alert of a finding', () => {
  const [finding] = Subject.known().watch(START, { deviceType: 'desktop' });
  if (!finding) throw new Error('nothing was found');

  it('has what the rule of the workspace says', () => {
    const rules = AnomalyRuleSetSchema.parse({
      new_device: { mode: 'shadow', severity: 'critical', actions: ['step_up'], stepUpMinutes: 5 },
    });
    expect(toOccurrence(finding, rules, START)).toMatchObject({
      severity: 'critical',
      shadow: true,
      actions: ['step_up'],
      stepUpSeconds: 300,
    });
    const off = AnomalyRuleSetSchema.parse({ new_device: { mode: 'off' } });
    expect(toOccurrence(finding, off, START)).toBeUndefined();
  });

  it('does nothing of itself about what is long past, and tells nothing of history', () => {
    const rules = AnomalyRuleSetSchema.parse({ new_device: { actions: ['step_up'] } });
    expect(toOccurrence(finding, rules, START + 2 * HOUR_MS)?.actions).toEqual(['alert']);
    expect(toOccurrence(finding, rules, START + 2 * DAY_MS)).toBeUndefined();
  });

  it('can have no action that the rule has nothing to act on', () => {
    expect(AnomalyRuleSetSchema.safeParse({ new_device: { actions: ['revoke_code'] } }).success).toBe(false);
    expect(AnomalyRuleSetSchema.safeParse({ code_wakes: { actions: ['pause_code'] } }).success).toBe(true);
    expect(AnomalyRuleSetSchema.safeParse({ code_wakes: { minimum: 1 } }).success).toBe(false);
  });
});
