/** Lines of vCards (RFC 2426) and calendars (RFC 5545), which share their syntax. */

const MAX_OCTETS = 75;
const utf8 = new TextEncoder();

/** @returns a text as a property's value: RFC 5545 §3.3.11, RFC 2426 §4 */
export const escapeText = (text: string): string =>
  text.replaceAll(/[\\;,]/g, String.raw`\$&`).replaceAll(/\r\n|\r|\n/g, String.raw`\n`);

/** Lines folded at 75 octets (RFC 5545 §3.1, RFC 2426 §2.6), each with its CRLF. */
export const writeLines = (lines: readonly string[]): string => lines.map((line) => `${fold(line)}\r\n`).join('');

/** The space that begins a continuation counts; no character is cut in two. */
function fold(line: string): string {
  let folded = '';
  let octets = 0;
  for (const character of line) {
    const length = utf8.encode(character).length;
    if (octets + length > MAX_OCTETS) {
      folded += '\r\n ';
      octets = 1;
    }
    folded += character;
    octets += length;
  }
  return folded;
}
