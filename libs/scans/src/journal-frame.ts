import { crc32 } from 'node:zlib';

/** A part of a segment: entries of the journal, or what has become of them. */
export interface Frame {
  kind: 'entries' | 'state';
  /** The frame behind it was written with it: without that one this one does not count. */
  isContinued: boolean;
  /** Of its first entry; of a state the place that the next entry gets. */
  place: number;
  /** How many places it takes. */
  entries: number;
  /** As `checksummed`: of a frame whose bytes the disk has damaged it is still known how many entries they were. */
  bytes: Buffer;
}

const CHECKSUM_BYTES = 4;

/** @returns CRC-32 of the rest (uint32) · the text */
export function checksummed(text: string): Buffer {
  const bytes = Buffer.allocUnsafe(CHECKSUM_BYTES + Buffer.byteLength(text));
  bytes.write(text, CHECKSUM_BYTES);
  bytes.writeUInt32BE(crc32(bytes.subarray(CHECKSUM_BYTES)));
  return bytes;
}

/** @returns the text; undefined when it is not the one that was written */
export function verified(bytes: Buffer): string | undefined {
  if (bytes.length < CHECKSUM_BYTES || bytes.readUInt32BE() !== crc32(bytes.subarray(CHECKSUM_BYTES))) return undefined;
  return bytes.toString('utf8', CHECKSUM_BYTES);
}

/** 0xf5 and 0xfe are in no UTF-8, so it is never in JSON. */
const MAGIC = Buffer.from([0xf5, 0x53, 0x47, 0xfe]);
const HEADER_CHECKED_BYTES = 20;
export const FRAME_HEADER_BYTES = HEADER_CHECKED_BYTES + 4;
const KINDS = ['entries', 'state'] as const;

/**
 * @returns for each frame: magic (4 bytes) · kind (uint8) · isContinued (uint8) · place (uint48) · entries (uint32) ·
 * length of the bytes (uint32) · CRC-32 of all this (uint32) · the bytes
 */
export function encodeFrames(frames: readonly Frame[]): Buffer {
  const parts = frames.flatMap((frame) => [headerOf(frame), frame.bytes]);
  return Buffer.concat(parts);
}

function headerOf({ kind, isContinued, place, entries, bytes }: Frame): Buffer {
  const header = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
  header.set(MAGIC);
  header.writeUInt8(KINDS.indexOf(kind), 4);
  header.writeUInt8(isContinued ? 1 : 0, 5);
  header.writeUIntBE(place, 6, 6);
  header.writeUInt32BE(entries, 12);
  header.writeUInt32BE(bytes.length, 16);
  header.writeUInt32BE(crc32(header.subarray(0, HEADER_CHECKED_BYTES)), HEADER_CHECKED_BYTES);
  return header;
}

/** Every whole frame, also behind those whose header is damaged. @returns with `end`, where the next may begin */
export function* framesIn(segment: Buffer): Generator<Frame & { end: number }> {
  let at = 0;
  while (at >= 0) {
    const frame = frameAt(segment, at);
    if (frame) yield frame;
    at = frame ? frame.end : segment.indexOf(MAGIC, at + 1);
  }
}

function frameAt(segment: Buffer, at: number): (Frame & { end: number }) | undefined {
  const header = segment.subarray(at, at + FRAME_HEADER_BYTES);
  if (header.length < FRAME_HEADER_BYTES || !header.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const checksum = crc32(header.subarray(0, HEADER_CHECKED_BYTES));
  const kind = KINDS[header.readUInt8(4)];
  const end = at + FRAME_HEADER_BYTES + header.readUInt32BE(16);
  if (checksum !== header.readUInt32BE(HEADER_CHECKED_BYTES) || !kind || end > segment.length) return undefined;
  return {
    kind,
    isContinued: header.readUInt8(5) === 1,
    place: header.readUIntBE(6, 6),
    entries: header.readUInt32BE(12),
    bytes: segment.subarray(at + FRAME_HEADER_BYTES, end),
    end,
  };
}
