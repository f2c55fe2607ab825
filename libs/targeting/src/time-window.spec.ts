import { isInWindow } from './time-window.js';

const berlin = { timeZone: 'Europe/Berlin' };
const inWindow = (at: string, window: Parameters<typeof isInWindow>[1]): boolean => isInWindow(new Date(at), window);

describe('a time window', () => {
  it('begins with its first minute and ends before its last', () => {
    const office = { from: '09:00', to: '17:30', ...berlin };
    const winter = ['07:59:59', '08:00:00', '16:29:59', '16:30:00'];
    expect(winter.map((time) => inWindow(`2026-01-15T${time}Z`, office))).toEqual([false, true, true, false]);
  });

  it('stays at the same hours on the wall when summer time begins and ends', () => {
    const morning = { from: '08:00', to: '09:00', ...berlin };
    expect(inWindow('2026-03-28T07:30:00Z', morning)).toBe(true);
    expect(inWindow('2026-03-29T07:30:00Z', morning)).toBe(false);
    expect(inWindow('2026-03-29T06:30:00Z', morning)).toBe(true);
    expect(inWindow('2026-10-24T06:30:00Z', morning)).toBe(true);
    expect(inWindow('2026-10-25T07:30:00Z', morning)).toBe(true);
  });

  it('has the hour that comes twice twice, and the one that is skipped not at all', () => {
    const small = { from: '02:00', to: '03:00', ...berlin };
    const hoursOf = (day: string): number =>
      Array.from({ length: 24 }, (_, hour) => `${day}T${String(hour).padStart(2, '0')}:15:00Z`).filter((at) =>
        inWindow(at, small),
      ).length;
    expect([hoursOf('2026-03-29'), hoursOf('2026-10-25'), hoursOf('2026-06-01')]).toEqual([0, 2, 1]);
  });

  it('belongs to the day on which it began, also after midnight, and on Sunday, too', () => {
    const night = { days: [5, 7], from: '22:00', to: '04:00', timeZone: 'Asia/Tokyo' };
    // In Tokyo, nine hours ahead, 2026-11-27 is a Friday.
    const nights: [string, boolean][] = [
      ['2026-11-27T12:59:00Z', false],
      ['2026-11-27T13:00:00Z', true],
      ['2026-11-27T18:59:00Z', true],
      ['2026-11-27T19:00:00Z', false],
      ['2026-11-28T13:30:00Z', false],
      ['2026-11-29T13:30:00Z', true],
      ['2026-11-29T18:30:00Z', true],
      ['2026-11-30T13:30:00Z', false],
      ['2026-11-26T18:30:00Z', false],
    ];
    expect(nights.map(([at]) => inWindow(at, night))).toEqual(nights.map(([, holds]) => holds));
  });

  it('takes the day from the calendar of its zone', () => {
    const monday = { days: [1], from: '00:00', to: '23:59', timeZone: 'Pacific/Auckland' };
    expect(inWindow('2026-11-29T12:00:00Z', monday)).toBe(true);
    expect(inWindow('2026-11-30T12:00:00Z', monday)).toBe(false);
  });
});
