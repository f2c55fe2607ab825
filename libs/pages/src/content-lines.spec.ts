import fc from 'fast-check';
import { escapeText, writeLines } from './content-lines.js';

describe('lines of vCards and calendars', () => {
  it.each([
    ['a,b;c', String.raw`a\,b\;c`],
    [String.raw`C:\x`, String.raw`C:\\x`],
    ['one\ntwo\r\nthree\rfour', String.raw`one\ntwo\nthree\nfour`],
    ['"quoted": kept', '"quoted": kept'],
  ])('escape %j', (text, escaped) => {
    expect(escapeText(text)).toBe(escaped);
  });

  it('are folded at 75 octets between characters, and read back whole', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
        const line = `NOTE:${escapeText(text)}`;
        const folded = writeLines([line]);
        expect(folded.endsWith('\r\n')).toBe(true);
        for (const part of folded.split('\r\n')) expect(Buffer.byteLength(part)).toBeLessThanOrEqual(75);
        expect(folded.slice(0, -2).replaceAll('\r\n ', '')).toBe(line);
      }),
    );
  });

  it('let no text begin a property of its own', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const lines = writeLines([`NOTE:${escapeText(text)}`, 'END:VCARD']).split(/\r\n(?! )/);
        expect(lines).toHaveLength(3);
      }),
    );
  });
});
