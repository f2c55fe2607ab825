import { ScanOutcomeSchema, type ScanEvent } from '@signet/contracts';
import type { ScanFacts } from './scan-facts.js';

export type FoldedScans = Extract<ScanEvent, { type: 'scan.folded' }>['data'];

const HOUR_MS = 3_600_000;

/** @returns what scans must share to be counted together: workspace, code, outcome and UTC hour */
const foldKey = ({ workspaceId = '', codeId = '', outcome, hour }: Omit<FoldedScans, 'count'>): string =>
  `${workspaceId} ${codeId} ${outcome} ${hour}`;
const hourOf = (at: number): string => new Date(at - (at % HOUR_MS)).toISOString();

/** @returns the counter of a key that `FoldCounts` made */
export function foldedScans(key: string, count: number): FoldedScans {
  const [workspaceId, codeId, outcome, hour = ''] = key.split(' ');
  return {
    ...(workspaceId ? { workspaceId } : {}),
    ...(codeId ? { codeId } : {}),
    outcome: ScanOutcomeSchema.parse(outcome),
    hour,
    count,
  };
}

/** Counts in place of scans, by their fold key. */
export class FoldCounts implements Iterable<[string, number]> {
  private readonly counts: Map<string, number>;

  constructor(entries: Iterable<readonly [string, number]> = []) {
    this.counts = new Map(entries);
  }

  get size(): number {
    return this.counts.size;
  }
  [Symbol.iterator](): Iterator<[string, number]> {
    return this.counts[Symbol.iterator]();
  }
  get(key: string): number {
    return this.counts.get(key) ?? 0;
  }
  set(key: string, count: number): void {
    this.counts.set(key, count);
  }
  delete(key: string): void {
    this.counts.delete(key);
  }
  add(scan: ScanFacts): void {
    this.addFolded({ ...scan, hour: hourOf(scan.at), count: 1 });
  }
  addFolded(folded: FoldedScans): void {
    const key = foldKey(folded);
    this.counts.set(key, this.get(key) + folded.count);
  }
  plus(others: FoldCounts): FoldCounts {
    const sums = new FoldCounts(this);
    for (const [key, count] of others) sums.set(key, sums.get(key) + count);
    return sums;
  }
}
