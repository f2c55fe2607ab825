import { crc32 } from 'node:zlib';

const CHECKSUM_BYTES = 4;
const KEY_START = CHECKSUM_BYTES + 1;

/** An event as the log takes it. */
export interface ShippableRecord {
  key: string;
  value: Buffer;
}

/**
 * lmdb has no checksums of its own, and a byte that the disk lost must not stop the scans behind it.
 * @param key ASCII, at most 255 characters
 * @returns CRC-32 of the rest (uint32) · length of the key (uint8) · key · event
 */
export function encodeRecord(key: string, event: string): Buffer {
  const eventStart = KEY_START + key.length;
  const record = Buffer.allocUnsafe(eventStart + Buffer.byteLength(event));
  record.writeUInt8(key.length, CHECKSUM_BYTES);
  record.write(key, KEY_START, 'latin1');
  record.write(event, eventStart);
  record.writeUInt32BE(crc32(record.subarray(CHECKSUM_BYTES)));
  return record;
}

/** @returns undefined when the record is not what was written */
export function decodeRecord(stored: Uint8Array): ShippableRecord | undefined {
  const record = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  if (record.length < KEY_START || record.readUInt32BE() !== crc32(record.subarray(CHECKSUM_BYTES))) return undefined;
  const eventStart = KEY_START + record.readUInt8(CHECKSUM_BYTES);
  return { key: record.toString('latin1', KEY_START, eventStart), value: record.subarray(eventStart) };
}
