import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { nextLocalDay, startOfLocalDay } from './local-days.js';

const start = (at: string, timeZone: string) => new Date(startOfLocalDay(Date.parse(at), timeZone)).toISOString();

describe('a local day', () => {
  it.each([
    ['UTC', '2026-03-04T12:00:00Z', '2026-03-04T00:00:00.000Z'],
    ['Europe/Zurich', '2026-03-04T12:00:00Z', '2026-03-03T23:00:00.000Z'],
    ['Asia/Kolkata', '2026-03-04T18:30:00Z', '2026-03-04T18:30:00.000Z'],
    ['Asia/Kolkata', '2026-03-04T18:29:59Z', '2026-03-03T18:30:00.000Z'],
    ['Asia/Kathmandu', '2026-03-04T12:00:00Z', '2026-03-03T18:15:00.000Z'],
    ['Pacific/Kiritimati', '2026-03-04T12:00:00Z', '2026-03-04T10:00:00.000Z'],
    ['America/Los_Angeles', '2026-03-09T06:59:59Z', '2026-03-08T08:00:00.000Z'],
    // Clocks go from 00:00 to 01:00.
    ['Africa/Cairo', '2026-04-24T12:00:00Z', '2026-04-23T22:00:00.000Z'],
    // Clocks go from 01:00 to 00:00: the day has two midnights and begins with the first.
    ['America/Havana', '2026-11-01T12:00:00Z', '2026-11-01T04:00:00.000Z'],
    // The day before yesterday was there, yesterday was not.
    ['Pacific/Apia', '2011-12-30T12:00:00Z', '2011-12-30T10:00:00.000Z'],
  ])('of %s at %s begins at %s', (timeZone, at, expected) => {
    expect(start(at, timeZone)).toBe(expected);
  });

  it('has 23 hours in spring and 25 in autumn', () => {
    const hours = (at: string) => {
      const day = startOfLocalDay(Date.parse(at), 'Europe/Zurich');
      return (nextLocalDay(day, 'Europe/Zurich') - day) / 3_600_000;
    };
    expect([hours('2026-03-29T12:00:00Z'), hours('2026-10-25T12:00:00Z'), hours('2026-06-01T12:00:00Z')]).toEqual([
      23, 25, 24,
    ]);
  });

  it('holds its instant, and is followed by the next, in every zone', () => {
    const zones = Intl.supportedValuesOf('timeZone');
    const instant = fc.date({ min: new Date('2015-01-01'), max: new Date('2035-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(instant, fc.constantFrom(...zones), (at, zone) => {
        const day = startOfLocalDay(+at, zone);
        const next = nextLocalDay(day, zone);
        expect(day).toBeLessThanOrEqual(+at);
        expect(next).toBeGreaterThan(+at);
        expect(startOfLocalDay(day, zone)).toBe(day);
        expect(startOfLocalDay(next - 1000, zone)).toBe(day);
      }),
      { numRuns: 2000 },
    );
  });
});
