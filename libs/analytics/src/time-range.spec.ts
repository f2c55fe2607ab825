import { describe, expect, it } from '@jest/globals';
import { INTERVALS } from '@signet/contracts';
import fc from 'fast-check';
import { bucketsOf, MAX_BUCKETS, STEP_MS, toTimeRange, wholeHoursOf } from './time-range.js';

const instant = fc.date({ min: new Date('2020-01-01'), max: new Date('2030-01-01'), noInvalidDate: true });
const interval = fc.constantFrom(...INTERVALS);

describe('a time range', () => {
  it('is in whole minutes and holds what was asked for', () => {
    fc.assert(
      fc.property(instant, fc.integer({ min: 1, max: 4_000_000 }), interval, (from, length, step) => {
        const to = new Date(from.getTime() + length);
        const range = toTimeRange({ from: from.toISOString(), to: to.toISOString(), interval: step }, new Date());
        expect([+range.from % 60_000, +range.to % 60_000]).toEqual([0, 0]);
        expect(+range.from).toBeLessThanOrEqual(+from);
        expect(+range.to).toBeGreaterThanOrEqual(+to);
        expect(+range.to - +range.from).toBeLessThan(length + 120_000);
      }),
    );
  });

  it('has buckets that follow one another, are aligned to UTC and cover it', () => {
    fc.assert(
      fc.property(instant, interval, (now, step) => {
        const range = toTimeRange({ interval: step }, now);
        const starts = bucketsOf(range).map((t) => Date.parse(t));
        expect(starts.every((t) => t % STEP_MS[step] === 0)).toBe(true);
        expect(starts.every((t, index) => index === 0 || t - (starts[index - 1] ?? 0) === STEP_MS[step])).toBe(true);
        expect(starts[0]).toBe(+range.from);
        expect((starts.at(-1) ?? 0) + STEP_MS[step]).toBeGreaterThanOrEqual(+range.to);
        expect(starts.at(-1)).toBeLessThan(+range.to);
      }),
    );
  });

  it('has at most as many buckets as are answered', () => {
    const to = '2026-03-04T00:00:00.000Z';
    const from = (minutes: number) => new Date(Date.parse(to) - minutes * 60_000).toISOString();
    const range = (minutes: number) => toTimeRange({ from: from(minutes), to, interval: 'minute' }, new Date());
    expect(bucketsOf(range(MAX_BUCKETS))).toHaveLength(MAX_BUCKETS);
    expect(() => range(MAX_BUCKETS + 1)).toThrow('query.from: is 5001 minutes before to');
  });

  it('knows the whole hours in it', () => {
    const hours = (from: string, to: string) => {
      const { from: first, to: last } = wholeHoursOf({
        from: new Date(`2026-03-04T${from}Z`),
        to: new Date(`2026-03-04T${to}Z`),
      });
      return [first.toISOString().slice(11, 16), last.toISOString().slice(11, 16)];
    };
    expect(hours('08:30', '11:15')).toEqual(['09:00', '11:00']);
    expect(hours('08:00', '11:00')).toEqual(['08:00', '11:00']);
    expect(hours('08:10', '08:50')).toEqual(['08:50', '08:50']);
    expect(hours('08:30', '09:00')).toEqual(['09:00', '09:00']);
  });
});
