import type { AnalyticsQuery, Interval } from '@signet/contracts';
import { SignetError } from '@signet/platform';
import { nextLocalDay, startOfLocalDay } from './local-days.js';

export const STEP_MS: Readonly<Record<Interval, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
const DEFAULT_LENGTH_MS: Readonly<Record<Interval, number>> = {
  minute: 2 * STEP_MS.hour,
  hour: 48 * STEP_MS.hour,
  day: 30 * STEP_MS.day,
};
export const MAX_BUCKETS = 5000;

/** What an answer is about: whole minutes, `from` inclusive and `to` exclusive. */
export interface TimeRange {
  from: Date;
  to: Date;
  interval: Interval;
  timeZone: string;
}

export const floor = (at: number, step: number): number => Math.floor(at / step) * step;
export const ceil = (at: number, step: number): number => Math.ceil(at / step) * step;

/** The grids of minutes and hours are UTC's, that of days the time zone's. @returns the start of an instant's bucket */
function startOfBucket(at: number, { interval, timeZone }: Pick<TimeRange, 'interval' | 'timeZone'>): number {
  const isLocal = interval === 'day' && timeZone !== 'UTC';
  return isLocal ? startOfLocalDay(at, timeZone) : floor(at, STEP_MS[interval]);
}

/**
 * The range that a query asks for. Given times are widened to whole minutes, the finest that is counted; a `from` that
 * was left out begins with a whole bucket.
 * @throws SignetError `invalid-request` naming the field, when the range is empty or has more than MAX_BUCKETS buckets
 */
export function toTimeRange(
  query: Pick<AnalyticsQuery, 'from' | 'to' | 'interval' | 'timeZone'>,
  now: Date,
): TimeRange {
  const { interval } = query;
  const end = query.to === undefined ? now.getTime() : Date.parse(query.to);
  const start =
    query.from === undefined ? startOfBucket(end - DEFAULT_LENGTH_MS[interval], query) : Date.parse(query.from);
  if (start >= end) throw invalid('must be before to');
  const from = floor(start, STEP_MS.minute);
  const to = ceil(end, STEP_MS.minute);
  const buckets = (ceil(to, STEP_MS[interval]) - floor(from, STEP_MS[interval])) / STEP_MS[interval];
  if (buckets > MAX_BUCKETS)
    throw invalid(`is ${buckets} ${interval}s before to; at most ${MAX_BUCKETS} can be answered`);
  return { from: new Date(from), to: new Date(to), interval, timeZone: query.timeZone };
}

/** @returns the range of the same length that ends where this one begins */
export function rangeBefore(range: TimeRange): TimeRange {
  return { ...range, from: new Date(2 * range.from.getTime() - range.to.getTime()), to: range.from };
}

/** @returns the start of each bucket that has a part in the range, in milliseconds since the epoch */
export function bucketsOf({ from, to, interval, timeZone }: TimeRange): number[] {
  const isLocal = interval === 'day' && timeZone !== 'UTC';
  const starts: number[] = [];
  let at = startOfBucket(from.getTime(), { interval, timeZone });
  while (at < to.getTime()) {
    starts.push(at);
    at = isLocal ? nextLocalDay(at, timeZone) : at + STEP_MS[interval];
  }
  return starts;
}

/** @returns in which of the buckets an instant lies */
export function bucketIndex(buckets: readonly number[], at: number): number {
  let [low, high] = [0, buckets.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((buckets[middle] ?? 0) <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** A time in which windows of one grain are read; in milliseconds since the epoch, `to` exclusive. */
export interface Piece {
  grain: Interval;
  from: number;
  to: number;
}

/**
 * Which windows add up to the buckets of a range: the largest that fit, none of them larger than a bucket. So a local
 * day of Zurich is read in hours, and one of Kolkata in hours and minutes.
 * @param minutesFrom before this, minutes are not kept: a border between hours is moved back to the hour
 */
export function coverRange(range: TimeRange, minutesFrom: number): Piece[] {
  const starts = bucketsOf(range);
  const borders = [range.from.getTime(), ...starts.slice(1), range.to.getTime()].map((at) =>
    at < minutesFrom ? floor(at, STEP_MS.hour) : at,
  );
  const pieces: Piece[] = [];
  borders.slice(0, -1).forEach((from, index) => {
    for (const piece of cover(from, borders[index + 1] ?? from, range.interval)) append(pieces, piece);
  });
  return pieces;
}

/** Which windows add up to the range as a whole. */
export function coverWhole({ from, to }: Pick<TimeRange, 'from' | 'to'>, minutesFrom: number): Piece[] {
  const [first = 0, last = 0] = [from.getTime(), to.getTime()].map((at) =>
    at < minutesFrom ? floor(at, STEP_MS.hour) : at,
  );
  return cover(first, last, 'day');
}

const SMALLER = { day: 'hour', hour: 'minute', minute: undefined } as const;

function cover(from: number, to: number, grain: Interval): Piece[] {
  if (from >= to) return [];
  const smaller = SMALLER[grain];
  if (!smaller) return [{ grain, from, to }];
  const [first, last] = [ceil(from, STEP_MS[grain]), floor(to, STEP_MS[grain])];
  if (first >= last) return cover(from, to, smaller);
  return [...cover(from, first, smaller), { grain, from: first, to: last }, ...cover(last, to, smaller)];
}

const pieceOf = (grain: Interval, from: number): Piece => ({ grain, from, to: from + STEP_MS[grain] });
const keyOf = ({ grain, from }: Pick<Piece, 'grain' | 'from'>): string => `${grain} ${from}`;

/**
 * Parts pieces in those whose windows are added up and the others: minutes, and hours and days that are named.
 * @param unsettled starts of windows
 */
export function partPieces(
  pieces: readonly Piece[],
  unsettled: readonly Pick<Piece, 'grain' | 'from'>[],
): { settled: Piece[]; others: Piece[] } {
  const named = new Set(unsettled.map((window) => keyOf(window)));
  const [settled, others]: [Piece[], Piece[]] = [[], []];
  for (const piece of pieces) {
    if (piece.grain === 'minute') {
      append(others, { ...piece });
      continue;
    }
    for (let { from } = piece; from < piece.to; from += STEP_MS[piece.grain]) {
      const window = pieceOf(piece.grain, from);
      append(named.has(keyOf(window)) ? others : settled, window);
    }
  }
  return { settled, others };
}

/** How long pieces are, in hours. */
export const hoursOf = (pieces: readonly Piece[]): number =>
  pieces.reduce((sum, { from, to }) => sum + to - from, 0) / STEP_MS.hour;

/** Pieces that follow one another are one. */
function append(pieces: Piece[], piece: Piece): void {
  const last = pieces.at(-1);
  if (last?.grain === piece.grain && last.to === piece.from) last.to = piece.to;
  else pieces.push(piece);
}

function invalid(message: string): SignetError {
  return new SignetError('invalid-request', {
    detail: `query.from: ${message}`,
    errors: [{ path: 'query.from', message }],
  });
}
