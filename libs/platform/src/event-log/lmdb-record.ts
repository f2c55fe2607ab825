import type { LogRecord, NewRecord } from './event-log.js';

const APPENDED_AT_BYTES = 8;
const HEADER_LENGTH_BYTES = 4;
const PREFIX_BYTES = APPENDED_AT_BYTES + HEADER_LENGTH_BYTES;

/** @returns `appendedAt` (float64, ms) · length of the header (uint32) · header `[key, headers?]` as JSON · value */
export function encodeRecord({ key, headers, value }: NewRecord, appendedAt: number): Buffer {
  const header = Buffer.from(JSON.stringify(headers ? [key, headers] : [key]));
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeDoubleBE(appendedAt);
  prefix.writeUInt32BE(header.length, APPENDED_AT_BYTES);
  return Buffer.concat([prefix, header, value]);
}

/** @returns what `encodeRecord` was given; the value shares its bytes with `stored` */
export function decodeRecord(stored: Uint8Array): Pick<LogRecord, 'key' | 'headers' | 'value' | 'appendedAt'> {
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  const valueStart = PREFIX_BYTES + bytes.readUInt32BE(APPENDED_AT_BYTES);
  const header: [string, Record<string, string>?] = JSON.parse(bytes.toString('utf8', PREFIX_BYTES, valueStart));
  const [key, headers] = header;
  return { key, headers, value: bytes.subarray(valueStart), appendedAt: readAppendedAt(bytes) };
}

/** @returns milliseconds since the epoch */
export function readAppendedAt(stored: Uint8Array): number {
  return Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength).readDoubleBE(0);
}
