import type { QrQuery } from '@signet/contracts';
import type { QrSymbol } from './symbol.js';

/**
 * One filled path on a grid of one unit a module, so it is exact at every size: strokes, which `qrcode` draws, move
 * when a print shop changes line widths.
 */
export function drawSvg(symbol: QrSymbol, { size, margin, dark, light }: QrQuery): string {
  const modules = symbol.size + 2 * margin;
  const ground = light === 'transparent' ? '' : `<path fill="${light}" d="M0 0h${modules}v${modules}H0z"/>`;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}" viewBox="0 0 ${modules} ${modules}"` +
    ` shape-rendering="crispEdges">${ground}<path fill="${dark}" d="${darkPath(symbol, margin)}"/></svg>\n`
  );
}

/** A rectangle for each horizontal run of dark modules. */
function darkPath(symbol: QrSymbol, margin: number): string {
  let path = '';
  for (let row = 0; row < symbol.size; row++) {
    let start = 0;
    for (let column = 0; column <= symbol.size; column++) {
      if (symbol.isDark(row, column)) continue;
      if (column > start) path += `M${start + margin} ${row + margin}h${column - start}v1H${start + margin}z`;
      start = column + 1;
    }
  }
  return path;
}
