import { stripVTControlCharacters } from 'node:util';
import { inflateSync } from 'node:zlib';
import { QrQuerySchema, type QrQuery } from '@signet/contracts';
import { decodeQrPng } from '@signet/testing';
import * as fc from 'fast-check';
import { contrastRatio, renderQr, renderTerminalQr } from './index.js';
import { drawPng } from './png.js';

const options = (differences: Partial<QrQuery> = {}): QrQuery => ({ ...QrQuerySchema.parse({}), ...differences });
const payload = 'https://go.example.org/summer-26';

const png = (text: string, differences: Partial<QrQuery> = {}): Buffer => {
  const { contentType, body } = renderQr(text, options({ ...differences, format: 'png' }));
  expect(contentType).toBe('image/png');
  if (typeof body === 'string') throw new Error('text instead of a PNG');
  return body;
};
const svg = (text: string, differences: Partial<QrQuery> = {}): string => {
  const { contentType, body } = renderQr(text, options({ ...differences, format: 'svg' }));
  expect(contentType).toBe('image/svg+xml');
  if (typeof body !== 'string') throw new Error('bytes instead of an SVG');
  return body;
};
const widthAndHeight = (image: Buffer): number[] => [image.readUInt32BE(16), image.readUInt32BE(20)];

const byte = fc.integer({ min: 0, max: 255 });
const colour = fc
  .tuple(byte, byte, byte)
  .map((channels) => `#${channels.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`);
const goodColours = fc
  .record({ dark: colour, light: fc.oneof(colour, fc.constant('transparent' as const)) })
  .map(({ dark, light }) => (isDarker(dark, light) ? { dark, light } : { dark: '#000000', light }))
  .filter(({ dark, light }) => contrastRatio(dark, light) >= 4.5);
const urls = fc.webUrl({ withQueryParameters: true, withFragments: true }).filter((url) => url.length <= 200);

/** Of two colours the darker one has less contrast to black. */
function isDarker(dark: string, light: string): boolean {
  return contrastRatio('#000000', dark) < contrastRatio('#000000', light);
}

describe('renderQr', () => {
  it('draws PNGs that a scanner reads back, in every size, colour and error correction', async () => {
    await fc.assert(
      fc.asyncProperty(
        urls,
        fc.record({
          size: fc.integer({ min: 200, max: 600 }),
          margin: fc.integer({ min: 2, max: 12 }),
          ecc: fc.constantFrom('L' as const, 'M', 'Q', 'H'),
        }),
        goodColours,
        async (url, shape, colours) => {
          const image = png(url, { ...shape, ...colours });
          expect(widthAndHeight(image)).toEqual([shape.size, shape.size]);
          expect(await decodeQrPng(image)).toBe(url);
        },
      ),
      { numRuns: 100 },
    );
  });

  it.each([64, 65, 127, 4096])('draws exactly the size that was asked for: %d px', async (size) => {
    const image = png(payload, { size });
    expect(widthAndHeight(image)).toEqual([size, size]);
    expect(await decodeQrPng(image)).toBe(payload);
  });

  it('reads back text that is not ASCII', async () => {
    expect(await decodeQrPng(png('https://例え.jp/ü?q=€'))).toBe('https://例え.jp/ü?q=€');
  });

  it('gives the same bytes for the same request', () => {
    expect(png(payload).equals(png(payload))).toBe(true);
    expect(svg(payload)).toBe(svg(payload));
  });

  it('leaves a transparent ground out', async () => {
    expect(png(payload, { light: 'transparent' }).includes('tRNS')).toBe(true);
    expect(await decodeQrPng(png(payload, { light: 'transparent' }))).toBe(payload);
    expect(png(payload).includes('tRNS')).toBe(false);
    expect(svg(payload, { light: 'transparent' }).match(/<path/g)).toHaveLength(1);
    // 32 characters at M: version 3, 29 modules, and 2 × 4 of margin.
    expect(svg(payload, { light: '#ffffee' })).toContain('<path fill="#ffffee" d="M0 0h37v37H0z"/>');
  });

  it('draws an SVG with crisp edges, in pixels outside and modules inside', () => {
    const image = svg(payload, { size: 300, margin: 6, dark: '#001122' });
    expect(image).toMatch(
      /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" width="300" height="300" viewBox="0 0 41 41" shape-rendering="crispEdges">/,
    );
    expect(image).toContain('<path fill="#001122" d="M6 6h7v1H6z');
  });

  it('draws the same modules as SVG and as PNG', async () => {
    const margin = 4;
    const path = /fill="#000000" d="([^"]+)"/.exec(svg(payload, { margin }))?.[1] ?? '';
    const dark = new Set<string>();
    for (const [, x, y, length] of path.matchAll(/M(\d+) (\d+)h(\d+)v1H\d+z/g)) {
      for (let offset = 0; offset < Number(length); offset++) dark.add(`${Number(y)} ${Number(x) + offset}`);
    }
    const isDark = (row: number, column: number): boolean => dark.has(`${row + margin} ${column + margin}`);
    const redrawn = drawPng({ size: 29, isDark }, options());
    expect(redrawn.equals(png(payload, { margin }))).toBe(true);
    expect(await decodeQrPng(redrawn)).toBe(payload);
  });

  it('draws modules of one whole number of pixels', () => {
    const lines = inflateSync(imageData(png(payload, { size: 500 })));
    // 37 modules in 500 px: 13 px each; the quiet zone takes the 19 px that are left.
    const line = lines.subarray(64 * 200 + 1, 64 * 201);
    const bits = [...line].map((byteOfEight) => byteOfEight.toString(2).padStart(8, '0')).join('');
    const runs = new Set<number>();
    for (const [run] of bits.replaceAll(/^0+|0+$/g, '').matchAll(/0+|1+/g)) runs.add(run.length % 13);
    expect(runs).toEqual(new Set([0]));
  });

  it.each([
    ['svg', 'L', 2953],
    ['svg', 'H', 1273],
  ] as const)('refuses content over the capacity of a QR code (%s, %s: %d bytes)', (format, ecc, capacity) => {
    const text = 'a'.repeat(capacity);
    expect(() => renderQr(text, options({ format, ecc }))).not.toThrow();
    expect(() => renderQr(`${text}a`, options({ format, ecc }))).toThrow(
      expect.objectContaining({ kind: 'payload-too-long' }),
    );
  });

  it('refuses a PNG too small to show every module', () => {
    expect(() => png('a'.repeat(500), { size: 64 })).toThrow(expect.objectContaining({ kind: 'payload-too-long' }));
  });

  it.each(['svg', 'png'] as const)('refuses colours that cannot be scanned (%s)', (format) => {
    const refusal = expect.objectContaining({ kind: 'contrast-too-low' });
    expect(() => renderQr(payload, options({ format, dark: '#777777' }))).toThrow(refusal);
    expect(() => renderQr(payload, options({ format, dark: '#ffffff', light: '#000000' }))).toThrow(refusal);
  });
});

describe('renderTerminalQr', () => {
  it('can be scanned from the screen', async () => {
    await fc.assert(
      fc.asyncProperty(urls, async (url) => {
        const rows = stripVTControlCharacters(renderTerminalQr(url)).trimEnd().split('\n');
        const width = rows[1]?.length ?? 0;
        const isDark = (row: number, column: number): boolean =>
          (row % 2 === 0 ? '█▀' : '█▄').includes(rows[Math.floor(row / 2)]?.[column] ?? 'x');
        expect(await decodeQrPng(drawPng({ size: width, isDark }, options({ margin: 0, size: 400 })))).toBe(url);
      }),
      { numRuns: 30 },
    );
  });
});

/** The compressed pixels: the data of the one IDAT chunk. */
function imageData(image: Buffer): Buffer {
  const start = image.indexOf('IDAT');
  return image.subarray(start + 4, start + 4 + image.readUInt32BE(start - 4));
}
