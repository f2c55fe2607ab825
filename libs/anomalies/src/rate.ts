/** How many of something come in a window of time, and how many usually do. Plain JSON, as it is stored. */
export interface Rate {
  /** Start of the current window, epoch milliseconds. */
  at: number;
  /** In the current window. */
  n: number;
  /** In the window before it. */
  before: number;
  /** Exponentially weighted mean and variance of the windows before. */
  mean: number;
  variance: number;
  /** Ids of the newest, in the current window and the one before. */
  ids: string[];
  /** The count at which it is told next; doubles each time, so that a flood tells a few times. */
  next: number;
}

export interface Band {
  /** Never fewer than this in a window. */
  minimum: number;
  /** Beyond the mean, in standard deviations. */
  sigmas: number;
}

export interface Excess {
  count: number;
  usual: number;
  limit: number;
  ids: string[];
}

/** The weight of the newest window: the mean remembers some 20 windows. */
const ALPHA = 0.1;
/** After so many empty windows nothing is left of what was usual. */
const FORGOTTEN_AFTER = 400;
const MAX_IDS = 5;
/** A band is at least half of the mean wide: of regular things the deviation says too little. */
const LEAST_SHARE = 0.5;

export const newRate = (): Rate => ({ at: 0, n: 0, before: 0, mean: 0, variance: 0, ids: [], next: 0 });

/** Beyond which a window is unusual: mean and band, and never less than the minimum. */
export const limitOf = ({ mean, variance }: Rate, { minimum, sigmas }: Band): number =>
  Math.max(minimum, mean + Math.max(sigmas * Math.sqrt(variance), LEAST_SHARE * mean, minimum / 2));

/**
 * Counts one. Where few are usual, it is counted in a window that ends with it, so that a burst is not cut in two: of the
 * window before, the part is taken that lies in it, as if its events had come evenly. What is beyond the limit is learned only up to the limit: a flood does not make itself usual, a growth
 * does in time. An event of a window that has passed counts no more.
 * @returns the excess when the limit is passed, and again at each doubling
 */
export function count(
  rate: Rate,
  event: { at: number; id: string },
  { windowMs, band }: { windowMs: number; band: Band },
): Excess | undefined {
  const window = Math.floor(event.at / windowMs) * windowMs;
  if (window < rate.at) return undefined;
  if (window > rate.at) roll(rate, window, { windowMs, band });
  rate.n += 1;
  rate.ids = [...rate.ids, event.id].slice(-MAX_IDS);
  const limit = limitOf(rate, band);
  const carried = limit > band.minimum ? 0 : Math.floor(rate.before * (1 - (event.at - window) / windowMs));
  const counted = rate.n + carried;
  if (counted < Math.max(limit, rate.next)) return undefined;
  rate.next = counted * 2;
  return { count: counted, usual: rate.mean, limit, ids: rate.ids };
}

function roll(rate: Rate, window: number, { windowMs, band }: { windowMs: number; band: Band }): void {
  if (rate.at > 0) {
    learn(rate, Math.min(rate.n, limitOf(rate, band)));
    const empty = (window - rate.at) / windowMs - 1;
    if (empty > FORGOTTEN_AFTER) Object.assign(rate, { mean: 0, variance: 0 });
    else for (let index = 0; index < empty; index += 1) learn(rate, 0);
  }
  const isNext = window - rate.at === windowMs;
  Object.assign(rate, { at: window, before: isNext ? rate.n : 0, n: 0, ids: isNext ? rate.ids : [], next: 0 });
}

function learn(rate: Rate, n: number): void {
  const off = n - rate.mean;
  rate.mean += ALPHA * off;
  rate.variance = (1 - ALPHA) * (rate.variance + ALPHA * off * off);
}
