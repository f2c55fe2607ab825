import type { GuessingData } from '@signet/contracts';
import type { FoldedScans } from './fold-counts.js';
import { checksummed, verified } from './journal-frame.js';
import type { ScanFacts } from './scan-facts.js';

/** What a byte that the disk lost takes along. Under load a block has what one flush of the disk made wait. */
export const MAX_BLOCK_ENTRIES = 64;

/** What becomes one event: the same whenever it is made of it again, so `id` and times are in it. */
export type JournalEntry =
  | { id: string; scan: ScanFacts }
  | { id: string; at: number; scan?: undefined; folded: FoldedScans }
  | { id: string; at: number; scan?: undefined; folded?: undefined; guessing: GuessingData };

/** @returns when it happened, in milliseconds since the epoch */
export const timeOf = (entry: JournalEntry): number => (entry.scan ? entry.scan.at : entry.at);

/** @returns as `checksummed` */
export const encodeBlock = (entries: readonly JournalEntry[]): Buffer => checksummed(JSON.stringify(entries));

/** @returns undefined when the block is not what was written */
export function decodeBlock(block: Buffer): JournalEntry[] | undefined {
  const text = verified(block);
  return text === undefined ? undefined : JSON.parse(text);
}
