import { crc32, deflateSync } from 'node:zlib';
import type { QrQuery } from '@signet/contracts';
import { SignetError } from '@signet/platform';
import { parseColour } from './contrast.js';
import type { QrSymbol } from './symbol.js';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const PALETTE = 3;

/**
 * Exactly `size` × `size` pixels with modules of one whole number of pixels; what is left over widens the quiet zone
 * (`qrcode` stretches instead, so its modules differ by a pixel, and it ignores a size that is too small). One bit a
 * pixel with a palette: 4096 px are 2 MB before compression, not 64 MB, and take milliseconds of the event loop.
 * @throws SignetError `payload-too-long` when a module would be less than a pixel
 */
export function drawPng(symbol: QrSymbol, { size, margin, dark, light }: QrQuery): Buffer {
  const modules = symbol.size + 2 * margin;
  const scale = Math.floor(size / modules);
  if (scale === 0) {
    throw new SignetError('payload-too-long', {
      detail: `The code has ${modules} × ${modules} modules with its margin, more than ${size} px can show`,
    });
  }
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header(size)),
    chunk('PLTE', Buffer.from([...parseColour(light), ...parseColour(dark)])),
    ...(light === 'transparent' ? [chunk('tRNS', Buffer.from([0]))] : []),
    chunk('IDAT', deflateSync(drawLines(symbol, size, scale))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** W3C PNG §11.2.1: width, height, bit depth 1, palette, and the only methods of compression, filter, no interlace. */
function header(size: number): Buffer {
  const ihdr = Buffer.alloc(13);
  ihdr.writeUInt32BE(size, 0);
  ihdr.writeUInt32BE(size, 4);
  ihdr.set([1, PALETTE, 0, 0, 0], 8);
  return ihdr;
}

/** Scan lines as PNG §7.2 packs them: a filter byte (0, none), then a bit a pixel, highest first; 1 is dark. */
function drawLines(symbol: QrSymbol, size: number, scale: number): Buffer {
  const lineLength = 1 + Math.ceil(size / 8);
  const lines = Buffer.alloc(lineLength * size);
  const start = Math.floor((size - symbol.size * scale) / 2);
  for (let row = 0; row < symbol.size; row++) {
    const line = Buffer.alloc(lineLength);
    for (let x = 0; x < symbol.size * scale; x++) {
      if (!symbol.isDark(row, Math.floor(x / scale))) continue;
      const byte = 1 + ((start + x) >> 3);
      line[byte] = (line[byte] ?? 0) | (0x80 >> ((start + x) & 7));
    }
    for (let y = 0; y < scale; y++) line.copy(lines, (start + row * scale + y) * lineLength);
  }
  return lines;
}

/** W3C PNG §5.3: length of the data, type, data, CRC-32 of type and data. */
function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
