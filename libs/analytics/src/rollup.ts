import type { ScanData, ScanEvent } from '@signet/contracts';
import { classifyScan, factsOf, type RollupDimension, type ScanClass } from './scan-facts.js';

export type FoldedScans = Extract<ScanEvent, { type: 'scan.folded' }>['data'];

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

export interface MinuteRow {
  workspaceId: string;
  codeId: string;
  /** Start of the minute in milliseconds since the epoch. */
  bucket: number;
  scans: number;
  bots: number;
  refused: number;
}

export interface HourRow {
  workspaceId: string;
  codeId: string;
  /** Start of the hour in milliseconds since the epoch. */
  bucket: number;
  dimension: RollupDimension;
  value: string;
  scans: number;
}

interface Counted {
  workspaceId?: string;
  codeId?: string;
  /** Milliseconds since the epoch. */
  at: number;
  counted: ScanClass;
  facts: [RollupDimension, string][];
  count: number;
}

/**
 * Adds up scans in memory, so that the database sees one upsert per window in place of one per scan. What has no code
 * (an unknown slug) belongs to nobody's windows and stays in the raw log alone.
 */
export class Rollup {
  private readonly minutes = new Map<string, MinuteRow>();
  private readonly hours = new Map<string, HourRow>();

  addScan(scan: ScanData): void {
    const { workspaceId, codeId } = scan;
    this.add({
      workspaceId,
      codeId,
      at: Date.parse(scan.at),
      counted: classifyScan(scan),
      facts: factsOf(scan),
      count: 1,
    });
  }

  /** Counts in the first minute of its hour: when each scan happened is no longer known. */
  addFolded({ workspaceId, codeId, outcome, hour, count }: FoldedScans): void {
    const counted = classifyScan({ outcome, bot: false, preview: false });
    this.add({ workspaceId, codeId, at: startOfHour(hour), counted, facts: [['outcome', outcome]], count });
  }

  /** In the order of their keys: transactions that lock the same rows never wait for each other in a circle. */
  minuteRows(): MinuteRow[] {
    return inKeyOrder(this.minutes);
  }

  /** In the order of their keys, as `minuteRows`. */
  hourRows(): HourRow[] {
    return inKeyOrder(this.hours);
  }

  private add({ workspaceId, codeId: id, at, counted, facts, count }: Counted): void {
    if (!workspaceId || !id) return;
    // Another spelling of a UUID is the same row, which one statement may not touch twice.
    const codeId = id.toLowerCase();
    this.addMinute({ workspaceId, codeId, at, counted, count });
    const bucket = startOf(at, HOUR_MS);
    for (const [dimension, value] of facts) {
      const key = `${codeId} ${bucket} ${dimension} ${value}`;
      const row = this.hours.get(key);
      if (row) row.scans += count;
      else this.hours.set(key, { workspaceId, codeId, bucket, dimension, value, scans: count });
    }
  }

  private addMinute({ workspaceId, codeId, at, counted, count }: Omit<Required<Counted>, 'facts'>): void {
    if (counted === 'opened') return;
    const bucket = startOf(at, MINUTE_MS);
    const key = `${codeId} ${bucket}`;
    const row = this.minutes.get(key) ?? {
      workspaceId,
      codeId,
      bucket,
      scans: 0,
      bots: 0,
      refused: 0,
    };
    row[minuteColumn[counted]] += count;
    this.minutes.set(key, row);
  }
}

const minuteColumn = { scan: 'scans', bot: 'bots', refused: 'refused' } as const satisfies Record<
  Exclude<ScanClass, 'opened'>,
  keyof MinuteRow
>;

const startOf = (at: number, step: number): number => Math.floor(at / step) * step;

/** @returns milliseconds since the epoch */
export const startOfHour = (instant: string): number => startOf(Date.parse(instant), HOUR_MS);

function inKeyOrder<Row>(rows: ReadonlyMap<string, Row>): Row[] {
  return [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}
