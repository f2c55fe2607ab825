import { encodeSymbol } from './symbol.js';

/** Half of what the standard asks for is enough for phones, and a terminal has few lines. */
const QUIET_ZONE = 2;
/** Black on white by their numbers in the 256 colours, which themes leave alone, unlike the first 16. */
const BLACK_ON_WHITE = '\u001b[38;5;16;48;5;231m';
const RESET = '\u001b[0m';

/**
 * A QR code of half blocks for a terminal in dark or light colours, two modules high a character; ends with a newline.
 * @throws SignetError `payload-too-long`
 */
export function renderTerminalQr(payload: string): string {
  const symbol = encodeSymbol(payload, 'L');
  const end = symbol.size + QUIET_ZONE;
  let text = '';
  for (let row = -QUIET_ZONE; row < end; row += 2) {
    text += BLACK_ON_WHITE;
    for (let column = -QUIET_ZONE; column < end; column++) {
      text += halfBlocks(symbol.isDark(row, column), symbol.isDark(row + 1, column));
    }
    text += `${RESET}\n`;
  }
  return text;
}

function halfBlocks(top: boolean, bottom: boolean): string {
  if (top) return bottom ? '█' : '▀';
  return bottom ? '▄' : ' ';
}
