import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader';

interface Pixels {
  width: number;
  height: number;
  /** RGBA, 8 bits each, row by row. */
  data: Buffer;
}

const require = createRequire(import.meta.url);
// pngjs ships no types. It refuses files with a wrong checksum, as browsers do.
const { PNG }: { PNG: { sync: { read(png: Buffer): Pixels } } } = require('pngjs');

let ready: Promise<unknown> | undefined;

/**
 * Reads a QR code as a phone's scanner would from a picture on a white page.
 * @returns its text
 * @throws Error unless there is exactly one readable code that is dark on light
 */
export async function decodeQrPng(png: Buffer): Promise<string> {
  ready ??= loadReader();
  await ready;
  const found = await readBarcodes(onWhite(PNG.sync.read(png)), { formats: ['QRCode'], tryInvert: false });
  const [code] = found;
  if (code === undefined || found.length > 1) throw new Error(`${found.length} readable QR codes in the picture`);
  return code.text;
}

/** Hands the reader its WebAssembly from the package; by itself it would fetch it from a public server. */
async function loadReader(): Promise<unknown> {
  const { buffer } = new Uint8Array(await readFile(require.resolve('zxing-wasm/reader/zxing_reader.wasm')));
  return prepareZXingModule({ overrides: { wasmBinary: buffer }, fireImmediately: true });
}

function onWhite({ width, height, data }: Pixels): { width: number; height: number; data: Uint8ClampedArray } {
  const blended = new Uint8ClampedArray(data);
  for (let pixel = 0; pixel < blended.length; pixel += 4) {
    const opacity = (blended[pixel + 3] ?? 255) / 255;
    if (opacity === 1) continue;
    for (let index = pixel; index < pixel + 3; index++) {
      blended[index] = (blended[index] ?? 0) * opacity + 255 * (1 - opacity);
    }
    blended[pixel + 3] = 255;
  }
  return { width, height, data: blended };
}
