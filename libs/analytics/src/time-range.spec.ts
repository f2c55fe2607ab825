import { describe, expect, it } from '@jest/globals';
import { INTERVALS } from '@signet/contracts';
import fc from 'fast-check';
import {
  bucketIndex,
  bucketsOf,
  coverRange,
  coverWhole,
  MAX_BUCKETS,
  partPieces,
  rangeBefore,
  STEP_MS,
  toTimeRange,
} from './time-range.js';

const instant = fc.date({ min: new Date('2020-01-01'), max: new Date('2030-01-01'), noInvalidDate: true });
const interval = fc.constantFrom(...INTERVALS);
const zone = fc.constantFrom('UTC', 'Europe/Zurich', 'Asia/Kolkata', 'America/New_York', 'Australia/Lord_Howe');
const range = fc
  .record({ from: instant, length: fc.integer({ min: 1, max: 290_000_000 }), interval, timeZone: zone })
  .map(({ from, length, ...rest }) =>
    toTimeRange({ from: from.toISOString(), to: new Date(+from + length).toISOString(), ...rest }, new Date()),
  );

describe('a time range', () => {
  it('is in whole minutes and holds what was asked for', () => {
    fc.assert(
      fc.property(instant, fc.integer({ min: 1, max: 4_000_000 }), interval, (from, length, step) => {
        const to = new Date(from.getTime() + length);
        const query = { from: from.toISOString(), to: to.toISOString(), interval: step, timeZone: 'UTC' };
        const asked = toTimeRange(query, new Date());
        expect([+asked.from % 60_000, +asked.to % 60_000]).toEqual([0, 0]);
        expect(+asked.from).toBeLessThanOrEqual(+from);
        expect(+asked.to).toBeGreaterThanOrEqual(+to);
        expect(+asked.to - +asked.from).toBeLessThan(length + 120_000);
      }),
    );
  });

  it('has buckets that follow one another and cover it, minutes and hours aligned to UTC', () => {
    fc.assert(
      fc.property(instant, interval, zone, (now, step, timeZone) => {
        const asked = toTimeRange({ interval: step, timeZone }, now);
        const starts = bucketsOf(asked);
        const isLocal = step === 'day' && timeZone !== 'UTC';
        const lengths = starts.slice(1).map((t, index) => t - (starts[index] ?? 0));
        const slack = isLocal ? STEP_MS.hour : 0;
        expect(lengths.every((length) => Math.abs(length - STEP_MS[step]) <= slack)).toBe(true);
        expect(isLocal || starts.every((t) => t % STEP_MS[step] === 0)).toBe(true);
        expect(starts[0]).toBe(+asked.from);
        expect(starts.at(-1)).toBeLessThan(+asked.to);
        expect((starts.at(-1) ?? 0) + STEP_MS[step] + slack).toBeGreaterThanOrEqual(+asked.to);
      }),
    );
  });

  it('has at most as many buckets as are answered', () => {
    const to = '2026-03-04T00:00:00.000Z';
    const from = (minutes: number) => new Date(Date.parse(to) - minutes * 60_000).toISOString();
    const minutesBefore = (minutes: number) =>
      toTimeRange({ from: from(minutes), to, interval: 'minute', timeZone: 'UTC' }, new Date());
    expect(bucketsOf(minutesBefore(MAX_BUCKETS))).toHaveLength(MAX_BUCKETS);
    expect(() => minutesBefore(MAX_BUCKETS + 1)).toThrow('query.from: is 5001 minutes before to');
  });

  it('ends where the range that it is compared with begins, and is as long', () => {
    fc.assert(
      fc.property(range, (asked) => {
        const before = rangeBefore(asked);
        expect(before.to).toEqual(asked.from);
        expect(+before.to - +before.from).toBe(+asked.to - +asked.from);
      }),
    );
  });

  it('is covered by windows without gap and overlap, each inside one bucket and on its own grid', () => {
    fc.assert(
      fc.property(range, (asked) => {
        const buckets = bucketsOf(asked);
        for (const pieces of [coverRange(asked, -Infinity), coverWhole(asked, -Infinity)]) {
          expect(pieces[0]?.from).toBe(+asked.from);
          expect(pieces.at(-1)?.to).toBe(+asked.to);
          expect(pieces.slice(1).every((piece, index) => piece.from === pieces[index]?.to)).toBe(true);
          expect(
            pieces.every(
              ({ grain, from, to }) => from % STEP_MS[grain] === 0 && to % STEP_MS[grain] === 0 && from < to,
            ),
          ).toBe(true);
        }
        for (const { grain, from, to } of coverRange(asked, -Infinity)) {
          const lasts = [];
          for (let at = from; at < to; at += STEP_MS[grain]) lasts.push([at, at + STEP_MS[grain] - 1]);
          expect(
            lasts.every(([first = 0, last = 0]) => bucketIndex(buckets, first) === bucketIndex(buckets, last)),
          ).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('is read in hours where minutes are no longer kept', () => {
    const at = (time: string) => Date.parse(`2026-03-04T${time}Z`);
    const asked = {
      from: new Date(at('08:30')),
      to: new Date(at('11:15')),
      interval: 'hour' as const,
      timeZone: 'UTC',
    };
    expect(coverRange(asked, at('10:00'))).toEqual([
      { grain: 'hour', from: at('08:00'), to: at('11:00') },
      { grain: 'minute', from: at('11:00'), to: at('11:15') },
    ]);
  });

  it('is parted in what is added up and what is not, and nothing is lost', () => {
    const at = (time: string) => Date.parse(`2026-03-04T${time}Z`);
    const pieces = [
      { grain: 'hour' as const, from: at('08:00'), to: at('11:00') },
      { grain: 'minute' as const, from: at('11:00'), to: at('11:15') },
    ];
    const unsettled = [
      { grain: 'hour' as const, from: at('09:00') },
      { grain: 'day' as const, from: at('08:00') },
    ];
    expect(partPieces(pieces, unsettled)).toEqual({
      settled: [
        { grain: 'hour', from: at('08:00'), to: at('09:00') },
        { grain: 'hour', from: at('10:00'), to: at('11:00') },
      ],
      others: [{ grain: 'hour', from: at('09:00'), to: at('10:00') }, pieces[1]],
    });
  });
});
