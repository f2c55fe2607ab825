const HOUR_MS = 3_600_000;

const formats = new Map<string, Intl.DateTimeFormat>();

/** @returns the wall clock of a time zone as if it were UTC, in milliseconds, to the second */
function wallClock(at: number, timeZone: string): number {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(timeZone, format);
  }
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/**
 * When the local day of an instant began. Days are 23 to 25 hours long where clocks change; where they change at
 * midnight, a day begins with the first time that is its own.
 * @returns milliseconds since the epoch
 */
export function startOfLocalDay(at: number, timeZone: string): number {
  const midnight = Math.floor(wallClock(at, timeZone) / (24 * HOUR_MS)) * 24 * HOUR_MS;
  // The zone's distance from UTC shortly before and after, and at the instant: one of them is that of midnight.
  const offsets = [midnight - 14 * HOUR_MS, midnight + 14 * HOUR_MS, at].map(
    (instant) => wallClock(instant, timeZone) - Math.floor(instant / 1000) * 1000,
  );
  const starts = offsets.map((offset) => midnight - offset).filter((start) => wallClock(start, timeZone) === midnight);
  return starts.length > 0 ? Math.min(...starts) : firstAfterGap(midnight, timeZone);
}

/** @param start of a local day @returns the start of the next one */
export const nextLocalDay = (start: number, timeZone: string): number =>
  startOfLocalDay(start + 36 * HOUR_MS, timeZone);

/** There is no midnight on that day: the clock goes from before it to after it. */
function firstAfterGap(midnight: number, timeZone: string): number {
  let [before, after] = [midnight - 16 * HOUR_MS, midnight + 16 * HOUR_MS];
  while (after - before > 1000) {
    const middle = Math.floor((before + after) / 2000) * 1000;
    if (wallClock(middle, timeZone) < midnight) before = middle;
    else after = middle;
  }
  return after;
}
