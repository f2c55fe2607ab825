import type { AnalyticsQuery, Interval } from '@signet/contracts';
import { SignetError } from '@signet/platform';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

export const STEP_MS: Readonly<Record<Interval, number>> = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS };
const DEFAULT_LENGTH_MS: Readonly<Record<Interval, number>> = {
  minute: 2 * HOUR_MS,
  hour: 48 * HOUR_MS,
  day: 30 * DAY_MS,
};
export const MAX_BUCKETS = 5000;

/** What an answer is about: whole minutes, `from` inclusive and `to` exclusive. */
export interface TimeRange {
  from: Date;
  to: Date;
  interval: Interval;
}

const floor = (at: number, step: number): number => Math.floor(at / step) * step;
const ceil = (at: number, step: number): number => Math.ceil(at / step) * step;

/**
 * The range that a query asks for. Given times are widened to whole minutes, the finest that is counted; a `from` that
 * was left out begins with a whole bucket.
 * @throws SignetError `invalid-request` naming the field, when the range is empty or has more than MAX_BUCKETS buckets
 */
export function toTimeRange(query: AnalyticsQuery, now: Date): TimeRange {
  const { interval } = query;
  const step = STEP_MS[interval];
  const end = query.to === undefined ? now.getTime() : Date.parse(query.to);
  const start = query.from === undefined ? floor(end - DEFAULT_LENGTH_MS[interval], step) : Date.parse(query.from);
  if (start >= end) throw invalid('must be before to');
  const from = floor(start, MINUTE_MS);
  const to = ceil(end, MINUTE_MS);
  const buckets = (ceil(to, step) - floor(from, step)) / step;
  if (buckets > MAX_BUCKETS)
    throw invalid(`is ${buckets} ${interval}s before to; at most ${MAX_BUCKETS} can be answered`);
  return { from: new Date(from), to: new Date(to), interval };
}

/** @returns the start of each bucket that has a part in the range, aligned to UTC */
export function bucketsOf({ from, to, interval }: TimeRange): string[] {
  const step = STEP_MS[interval];
  const first = floor(from.getTime(), step);
  const count = Math.ceil((to.getTime() - first) / step);
  return Array.from({ length: count }, (_, index) => new Date(first + index * step).toISOString());
}

/** @returns the whole hours inside the range; an empty one for a range without any */
export function wholeHoursOf({ from, to }: Pick<TimeRange, 'from' | 'to'>): { from: Date; to: Date } {
  const first = ceil(from.getTime(), HOUR_MS);
  const last = floor(to.getTime(), HOUR_MS);
  return first < last ? { from: new Date(first), to: new Date(last) } : { from: to, to };
}

function invalid(message: string): SignetError {
  return new SignetError('invalid-request', {
    detail: `query.from: ${message}`,
    errors: [{ path: 'query.from', message }],
  });
}
