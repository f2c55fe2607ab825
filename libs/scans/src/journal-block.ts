import { crc32 } from 'node:zlib';
import type { GuessingData } from '@signet/contracts';
import type { FoldedScans } from './fold-counts.js';
import type { ScanFacts } from './scan-facts.js';

const CHECKSUM_BYTES = 4;
/** What a byte that the disk lost takes along. Under load a block has what one flush of the disk made wait. */
export const MAX_BLOCK_ENTRIES = 64;

/** What becomes one event: the same whenever it is made of it again, so `id` and times are in it. */
export type JournalEntry =
  | { id: string; scan: ScanFacts }
  | { id: string; at: number; scan?: undefined; folded: FoldedScans }
  | { id: string; at: number; scan?: undefined; folded?: undefined; guessing: GuessingData };

/** @returns when it happened, in milliseconds since the epoch */
export const timeOf = (entry: JournalEntry): number => (entry.scan ? entry.scan.at : entry.at);

/**
 * lmdb has no checksums of its own, and a byte that the disk lost must not stop the scans behind it.
 * @returns CRC-32 of the rest (uint32) · the entries as JSON
 */
export function encodeBlock(entries: readonly JournalEntry[]): Buffer {
  const text = JSON.stringify(entries);
  const block = Buffer.allocUnsafe(CHECKSUM_BYTES + Buffer.byteLength(text));
  block.write(text, CHECKSUM_BYTES);
  block.writeUInt32BE(crc32(block.subarray(CHECKSUM_BYTES)));
  return block;
}

/** @returns undefined when the block is not what was written */
export function decodeBlock(stored: Uint8Array): JournalEntry[] | undefined {
  const block = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  if (block.length < CHECKSUM_BYTES || block.readUInt32BE() !== crc32(block.subarray(CHECKSUM_BYTES))) return undefined;
  return JSON.parse(block.toString('utf8', CHECKSUM_BYTES));
}
