import type { TimeWindow } from '@signet/contracts';

interface WallClock {
  /** Monday is 1. */
  day: number;
  /** Since midnight. */
  minutes: number;
}

const DAYS: readonly string[] = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const formats = new Map<string, Intl.DateTimeFormat>();

/** What clocks and calendars in a zone show; `Intl` has the zones' rules, and making a format costs 50 µs. */
export function wallClock(at: Date, timeZone: string): WallClock {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    formats.set(timeZone, format);
  }
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
  return {
    day: DAYS.indexOf(parts['weekday'] ?? '') + 1,
    minutes: Number(parts['hour']) * 60 + Number(parts['minute']),
  };
}

const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
const dayBefore = (day: number): number => (day === 1 ? 7 : day - 1);

/**
 * Whether the clocks of the window's zone stand in it. So a window keeps its hours on the wall when summer time begins
 * or ends: it has an hour less or more then. One that runs over midnight belongs to the day on which it began.
 */
export function isInWindow(at: Date, { days, from, to, timeZone }: TimeWindow): boolean {
  const { day, minutes } = wallClock(at, timeZone);
  const [begin, end] = [minutesOf(from), minutesOf(to)];
  const isDay = (one: number): boolean => days === undefined || days.includes(one);
  if (begin < end) return minutes >= begin && minutes < end && isDay(day);
  return minutes >= begin ? isDay(day) : minutes < end && isDay(dayBefore(day));
}
