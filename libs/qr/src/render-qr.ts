import type { QrQuery } from '@signet/contracts';
import { requireScannable } from './contrast.js';
import { drawPng } from './png.js';
import { drawSvg } from './svg.js';
import { encodeSymbol } from './symbol.js';

export interface QrImage {
  contentType: 'image/svg+xml' | 'image/png';
  body: string | Buffer;
}

/**
 * Draws a QR code. The same payload and options give the same bytes.
 * @throws SignetError `contrast-too-low` | `payload-too-long`
 */
export function renderQr(payload: string, options: QrQuery): QrImage {
  requireScannable(options);
  const symbol = encodeSymbol(payload, options.ecc);
  switch (options.format) {
    case 'svg':
      return { contentType: 'image/svg+xml', body: drawSvg(symbol, options) };
    case 'png':
      return { contentType: 'image/png', body: drawPng(symbol, options) };
  }
}
