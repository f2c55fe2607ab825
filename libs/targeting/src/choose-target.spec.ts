import { RuleSchema, type Rule, type TimeWindow } from '@signet/contracts';
import * as fc from 'fast-check';
import { chooseTarget, type TargetedCode } from './choose-target.js';
import { explainTarget } from './explain-target.js';
import { acceptedLanguages, targetedDevice, targetedOs, type TargetedScan } from './scan.js';

const hex = fc.string({ unit: fc.constantFrom('0', '7', 'a', 'b', 'f') });
const at = new Date('2026-11-25T12:00:00.000Z');
const url = (name: string): { url: string } => ({ url: `https://${name}.example/` });
const rule = (when: Rule['when'], name = 'rule'): Rule => ({ when, target: url(name) });
const codeWith = (...rules: Rule[]): TargetedCode => ({ id: 'code', kind: 'link', target: url('default'), rules });
const scanOf = (known: Partial<TargetedScan> = {}): TargetedScan => ({ at, random: 0.5, ...known });
const indexFor = (code: TargetedCode, known: Partial<TargetedScan> = {}): number | undefined =>
  chooseTarget(code, scanOf(known)).targetIndex;

const oneOrMore = <const Value extends string>(...values: Value[]): fc.Arbitrary<Value | Value[]> =>
  fc.oneof(fc.constantFrom(...values), fc.subarray(values, { minLength: 1 }));
const windows: TimeWindow[] = [
  { from: '08:00', to: '18:00', timeZone: 'Europe/Berlin' },
  { days: [3], from: '22:00', to: '20:00', timeZone: 'Asia/Seoul' },
];
const conditions = fc.record(
  {
    device: oneOrMore('phone', 'tablet', 'desktop', 'bot'),
    os: oneOrMore('ios', 'android', 'windows'),
    country: oneOrMore('DE', 'FR', 'JP'),
    language: oneOrMore('de', 'de-AT', 'en', 'ja'),
    timeWindow: fc.constantFrom(...windows),
    visit: fc.constantFrom('first' as const, 'returning' as const),
    weight: fc.integer({ min: 0, max: 100 }),
  },
  { requiredKeys: [] },
);
const rules = fc
  .array(conditions, { maxLength: 6 })
  .map((all) => all.map((when, n) => RuleSchema.parse(rule(when, `r${n}`))));
const scans: fc.Arbitrary<TargetedScan> = fc.record(
  {
    device: fc.constantFrom('phone', 'tablet', 'desktop', 'bot'),
    os: fc.constantFrom('ios', 'android', 'windows', 'linux'),
    country: fc.constantFrom('DE', 'FR', 'JP', 'BR'),
    languages: fc.subarray(['de-CH', 'de-AT', 'en-GB', 'ja', 'pt']),
    at: fc.date({ min: new Date('2026-01-01'), max: new Date('2027-01-01'), noInvalidDate: true }),
    visitor: hex,
    isReturning: fc.boolean(),
    random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  },
  { requiredKeys: ['at', 'random'] },
);

describe('rules', () => {
  it('always have an answer, the same for the same scan, and it is the first that matched', () => {
    fc.assert(
      fc.property(rules, scans, (all, scan) => {
        const code = codeWith(...all);
        const { target, targetIndex, trace } = chooseTarget(code, scan);
        expect(chooseTarget(code, scan)).toEqual({ target, targetIndex, trace });
        expect(target).toEqual(targetIndex === undefined ? code.target : all[targetIndex]?.target);
        const asked = targetIndex === undefined ? all.length : targetIndex + 1;
        expect(trace.map((verdict) => verdict.rule)).toEqual(all.slice(0, asked).map((_, index) => index));
        expect(trace.filter(({ matched }) => matched).map((verdict) => verdict.rule)).toEqual(
          targetIndex === undefined ? [] : [targetIndex],
        );
      }),
      { numRuns: 2000 },
    );
  });

  it('that come after the one that decided change nothing, unless they offer a language that is liked better', () => {
    const withoutLanguage = rules.map((all) =>
      all.map(({ when, target }) => ({ when: { ...when, language: undefined }, target })),
    );
    fc.assert(
      fc.property(rules, withoutLanguage, scans, (first, more, scan) => {
        const { targetIndex } = chooseTarget(codeWith(...first), scan);
        fc.pre(targetIndex !== undefined);
        expect(chooseTarget(codeWith(...first, ...more), scan).targetIndex).toBe(targetIndex);
      }),
    );
  });

  it('are each explained in a sentence', () => {
    fc.assert(
      fc.property(rules, scans, (all, scan) => {
        const code = codeWith(...all);
        const explained = explainTarget(code, scan);
        expect(explained.trace.map(({ rule: index, matched }) => ({ rule: index, matched }))).toEqual(
          chooseTarget(code, scan).trace.map(({ rule: index, matched }) => ({ rule: index, matched })),
        );
        for (const { why } of explained.trace) expect(why).toMatch(/^[A-Z].*\.$/);
        for (const { why } of explained.trace) expect(why).not.toMatch(/undefined|NaN/);
      }),
    );
  });

  it('that ask for what is not known of a scan do not match', () => {
    for (const when of [
      { device: 'phone' },
      { os: 'ios' },
      { country: 'DE' },
      { language: 'de' },
      { visit: 'first' },
      { visit: 'returning' },
    ] as const)
      expect(indexFor(codeWith(rule(when)))).toBeUndefined();
    expect(indexFor(codeWith(rule({})))).toBe(0);
  });

  it('with a list match any of it, with many conditions all of them', () => {
    const code = codeWith(rule({ os: ['ios', 'android'], country: ['DE', 'AT'] }));
    expect(indexFor(code, { os: 'android', country: 'AT' })).toBe(0);
    expect(indexFor(code, { os: 'android', country: 'CH' })).toBeUndefined();
    expect(indexFor(code, { os: 'windows', country: 'AT' })).toBeUndefined();
  });

  it('of languages follow the order in which the visitor likes them', () => {
    const code = codeWith(rule({ language: 'en' }), rule({ language: ['de', 'fr'] }));
    expect(indexFor(code, { languages: ['de-CH', 'en'] })).toBe(1);
    expect(indexFor(code, { languages: ['pt', 'en-GB', 'de'] })).toBe(0);
    expect(indexFor(code, { languages: ['pt'] })).toBeUndefined();
    expect(indexFor(codeWith(rule({ language: 'de-AT' })), { languages: ['de'] })).toBeUndefined();
    expect(indexFor(codeWith(rule({ language: 'DE-at' })), { languages: ['de-AT-1996'] })).toBe(0);
    expect(indexFor(codeWith(rule({ language: 'de' })), { languages: ['den'] })).toBeUndefined();
  });

  it('of visits tell the first from the next', () => {
    const code = codeWith(rule({ visit: 'first' }), rule({ visit: 'returning' }));
    expect([indexFor(code, { isReturning: false }), indexFor(code, { isReturning: true })]).toEqual([0, 1]);
  });
});

describe('weights', () => {
  const shares = (
    code: TargetedCode,
    scanAt: (n: number) => Partial<TargetedScan>,
  ): Map<number | undefined, number> => {
    const draws = 20_000;
    const counts = new Map<number | undefined, number>();
    for (let n = 0; n < draws; n++) {
      const index = indexFor(code, scanAt(n));
      counts.set(index, (counts.get(index) ?? 0) + 1 / draws);
    }
    return counts;
  };
  const thirds = codeWith(rule({ weight: 30 }), rule({ weight: 50 }));

  it('take their percent of those that reach them', () => {
    const counts = shares(thirds, (n) => ({ random: n / 20_000 }));
    expect(counts.get(0)).toBeCloseTo(0.3, 3);
    expect(counts.get(1)).toBeCloseTo(0.35, 3);
    expect(counts.get(undefined)).toBeCloseTo(0.35, 3);
  });

  it('take their percent of visitors, too, when they are sticky', () => {
    const sticky = codeWith(rule({ weight: 30, sticky: true }), rule({ weight: 50, sticky: true }));
    const counts = shares(sticky, (n) => ({ visitor: `visitor-${n}`, random: 0 }));
    expect(counts.get(0)).toBeCloseTo(0.3, 1);
    expect(counts.get(1)).toBeCloseTo(0.35, 1);
  });

  it('keep a visitor on one side, whatever is drawn, when they are sticky', () => {
    const code = codeWith(rule({ weight: 50, sticky: true }));
    fc.assert(
      fc.property(fc.string(), fc.double({ min: 0, max: 0.999, noNaN: true }), (visitor, random) => {
        expect(indexFor(code, { visitor, random })).toBe(indexFor(code, { visitor, random: 0 }));
      }),
    );
  });

  it('of 0 take nobody, of 100 everybody', () => {
    fc.assert(
      fc.property(scans, (scan) => {
        expect(chooseTarget(codeWith(rule({ weight: 0 })), scan).targetIndex).toBeUndefined();
        expect(chooseTarget(codeWith(rule({ weight: 100 })), scan).targetIndex).toBe(0);
      }),
    );
  });

  it('count only those that match the rest of their rule', () => {
    const code = codeWith(rule({ os: 'ios', weight: 50 }), rule({ weight: 50 }));
    expect(indexFor(code, { os: 'android', random: 0.4 })).toBe(1);
  });
});

describe('an app', () => {
  const app: TargetedCode = {
    id: 'code',
    kind: 'app',
    target: { ios: 'https://ios.example/', fallback: 'https://web.example/' },
  };

  it('is got from the store of the phone, or from the fallback', () => {
    const urls = (['ios', 'android', 'windows', undefined] as const).map(
      (os) => chooseTarget(app, scanOf({ os })).target?.url,
    );
    expect(urls).toEqual([
      'https://ios.example/',
      'https://web.example/',
      'https://web.example/',
      'https://web.example/',
    ]);
  });

  it('has rules before it', () => {
    const code = { ...app, rules: [rule({ country: 'CN' }, 'china')] };
    expect(chooseTarget(code, scanOf({ os: 'ios', country: 'CN' })).target).toEqual(url('china'));
  });
});

it('shows pages themselves', () => {
  const code: TargetedCode = {
    id: 'code',
    kind: 'file',
    target: { fileId: 'x', disposition: 'inline', landing: true },
  };
  expect(chooseTarget(code, scanOf()).target).toBeUndefined();
});

describe('what a request says of itself', () => {
  it('is read in the order of preference', () => {
    expect(acceptedLanguages('en;q=0.5, de-CH, *;q=0.1, fr;q=0, de;q=0.9, x;q=2, ja;q=0.5')).toEqual([
      'de-CH',
      'de',
      'en',
      'ja',
    ]);
    expect(acceptedLanguages(undefined)).toEqual([]);
    expect(acceptedLanguages(';;,,q=1')).toEqual([]);
  });

  it('is a name that rules know, or nothing', () => {
    expect(['iOS', 'Chrome OS', 'Fuchsia', undefined].map(targetedOs)).toEqual([
      'ios',
      'chromeos',
      undefined,
      undefined,
    ]);
    expect(['phone', 'other', undefined].map(targetedDevice)).toEqual(['phone', undefined, undefined]);
  });
});
