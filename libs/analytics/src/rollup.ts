import { DIMENSIONS, type Dimension, type Interval, type ScanData, type ScanEvent } from '@signet/contracts';
import { classifyScan, factsOf, type ScanClass } from './scan-facts.js';
import { STEP_MS } from './time-range.js';
import { VisitorSketch } from './visitor-sketch.js';

export type FoldedScans = Extract<ScanEvent, { type: 'scan.folded' }>['data'];

/** Further values of a dimension in one window are counted together: a guesser may send another language each time. */
export const MAX_VALUES = 1000;
export const OTHER = '(other)';

/** Counts by value of each dimension, as a window keeps them. */
export type Counts = Partial<Record<Dimension, Record<string, number>>>;

/** What was counted in one window of time. */
export class WindowCounts {
  scans = 0;
  bots = 0;
  refused = 0;
  /** Interstitials that were shown. */
  opened = 0;
  readonly visitors: VisitorSketch;
  private readonly values = new Map<Dimension, Map<string, number>>();

  /** @param maxValues of a dimension that are told apart */
  constructor(
    counts: Counts = {},
    visitors = new VisitorSketch(),
    private readonly maxValues = MAX_VALUES,
  ) {
    this.visitors = visitors;
    for (const dimension of DIMENSIONS) {
      for (const [value, count] of Object.entries(counts[dimension] ?? {})) this.count(dimension, value, count);
    }
  }

  get counts(): Counts {
    return Object.fromEntries([...this.values].map(([dimension, counts]) => [dimension, Object.fromEntries(counts)]));
  }

  add(counted: ScanClass, facts: readonly [Dimension, string][], count: number): void {
    this[columnOf[counted]] += count;
    for (const [dimension, value] of facts) this.count(dimension, value, count);
  }

  merge(other: WindowCounts): void {
    for (const column of COLUMNS) this[column] += other[column];
    for (const [dimension, counts] of other.values)
      for (const [value, count] of counts) this.count(dimension, value, count);
    this.visitors.merge(other.visitors);
  }

  private count(dimension: Dimension, value: string, count: number): void {
    let counts = this.values.get(dimension);
    if (!counts) this.values.set(dimension, (counts = new Map()));
    const known = counts.get(value);
    if (known === undefined && counts.size >= this.maxValues) counts.set(OTHER, (counts.get(OTHER) ?? 0) + count);
    else counts.set(value, (known ?? 0) + count);
  }
}

/** @returns the most frequent values of each dimension, the others as OTHER */
export function mostFrequent(counts: Counts, values: number): Counts {
  return Object.fromEntries(
    Object.entries(counts).map(([dimension, of]) => {
      const ranked = Object.entries(of).toSorted(([, a], [, b]) => b - a);
      const named = ranked.filter(([value]) => value !== OTHER);
      const others = [...named.slice(values), ...ranked.filter(([value]) => value === OTHER)];
      const rest = others.reduce((sum, [, count]) => sum + count, 0);
      return [dimension, Object.fromEntries([...named.slice(0, values), ...(rest > 0 ? [[OTHER, rest]] : [])])];
    }),
  );
}

export const COLUMNS = ['scans', 'bots', 'refused', 'opened'] as const;
const columnOf = { scan: 'scans', bot: 'bots', refused: 'refused', opened: 'opened' } as const satisfies Record<
  ScanClass,
  (typeof COLUMNS)[number]
>;

/** Counts of a code, or of a whole workspace, which is then its own scope. */
export interface Window {
  workspaceId: string;
  scopeId: string;
  /** Its start in milliseconds since the epoch. */
  bucket: number;
  counts: WindowCounts;
}

/**
 * Adds up scans in memory, so that the database sees one change per window in place of one per scan. What has no code
 * (an unknown slug) belongs to nobody's windows and stays in the raw log alone.
 */
export class Rollup {
  private readonly minutes = new Map<string, Window>();

  addScan(scan: ScanData): void {
    const window = this.windowOf(scan, Date.parse(scan.at));
    if (!window) return;
    const counted = classifyScan(scan);
    window.counts.add(counted, factsOf(scan), 1);
    if (counted === 'scan' && scan.visitor !== undefined) window.counts.visitors.add(scan.visitor);
  }

  /** Counts in the first minute of its hour: when each scan happened is no longer known. */
  addFolded(folded: FoldedScans): void {
    const { outcome, hour, count, bot = false } = folded;
    const counted = classifyScan({ outcome, bot, preview: false });
    const window = this.windowOf(folded, startOfHour(hour));
    window?.counts.add(counted, counted === 'bot' ? [] : [['outcome', outcome]], count);
  }

  /**
   * Of each code and of each workspace, by interval; each in the order of its keys: transactions that lock the same rows
   * never wait for each other in a circle. Windows of one content share it, so nobody may change it.
   */
  windows(): Record<'codes' | 'workspaces', Record<Interval, Window[]>> {
    const minutes = inOrder(this.minutes);
    return {
      codes: byInterval(minutes),
      workspaces: byInterval(regroup(minutes, (window) => ({ ...window, scopeId: window.workspaceId }))),
    };
  }

  private windowOf(scan: Pick<ScanData, 'workspaceId' | 'codeId'>, at: number): Window | undefined {
    if (!scan.workspaceId || !scan.codeId) return undefined;
    // Another spelling of a UUID is the same row, which one statement may not touch twice.
    const scopeId = scan.codeId.toLowerCase();
    const bucket = startOf(at, STEP_MS.minute);
    const key = keyOf(scopeId, bucket);
    let window = this.minutes.get(key);
    if (!window) {
      window = { workspaceId: scan.workspaceId.toLowerCase(), scopeId, bucket, counts: new WindowCounts() };
      this.minutes.set(key, window);
    }
    return window;
  }
}

export const keyOf = (scopeId: string, bucket: number): string => `${scopeId} ${bucket}`;

/** An hour is made of its minutes and a day of its hours, which are fewer. */
function byInterval(minute: Window[]): Record<Interval, Window[]> {
  const startingAt = (interval: Interval) => (window: Window) => ({
    ...window,
    bucket: startOf(window.bucket, STEP_MS[interval]),
  });
  const hour = regroup(minute, startingAt('hour'));
  return { minute, hour, day: regroup(hour, startingAt('day')) };
}

/** Adds up the windows that are the same one after the move. */
function regroup(windows: readonly Window[], move: (window: Window) => Window): Window[] {
  const grouped = new Map<string, Window>();
  const sums = new Set<Window>();
  for (const window of windows) {
    const moved = move(window);
    const key = keyOf(moved.scopeId, moved.bucket);
    let sum = grouped.get(key);
    if (sum && !sums.has(sum)) {
      // What the first window counted stays its own.
      const counts = new WindowCounts();
      counts.merge(sum.counts);
      sum = { ...sum, counts };
      sums.add(sum);
    }
    sum?.counts.merge(window.counts);
    grouped.set(key, sum ?? moved);
  }
  return inOrder(grouped);
}

const inOrder = (windows: ReadonlyMap<string, Window>): Window[] =>
  [...windows].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, window]) => window);

const startOf = (at: number, step: number): number => Math.floor(at / step) * step;

/** @returns milliseconds since the epoch */
export const startOfHour = (instant: string): number => startOf(Date.parse(instant), STEP_MS.hour);
/** @returns milliseconds since the epoch, of the UTC day */
export const startOfDay = (at: number): number => startOf(at, STEP_MS.day);
