import fc from 'fast-check';
import { csvRows } from './csv-rows.js';
import { MAX_ROW_LENGTH } from './ndjson-rows.js';

async function* inPieces(text: string, size: number): AsyncGenerator<string> {
  const characters = Array.from(text);
  for (let at = 0; at < characters.length; at += size) yield characters.slice(at, at + size).join('');
}

const read = async (text: string, size = 7): Promise<(string[] | string)[]> => {
  const rows = [];
  for await (const row of csvRows(inPieces(text, size)))
    rows.push('cells' in row ? Object.values(row.cells) : (row.unreadable.details.detail ?? ''));
  return rows;
};
const NOT_CLOSED = 'The row is not CSV: CSV_QUOTE_NOT_CLOSED';

describe('csvRows', () => {
  it('reads what spreadsheets write: quotes, lines in cells, empty lines, cells left out', async () => {
    expect(await read('a,b,c\r\n1,"x, ""y""\r\nz",ä\r\n\r\n2\n')).toEqual([
      ['1', 'x, "y"\r\nz', 'ä'],
      ['2', '', ''],
    ]);
  });

  it.each([1, 3, 1000])('goes on behind a quote that is never closed, in pieces of %d', async (size) => {
    expect(await read('a,b\n1,"x"\n2,"ä\n3,y\r\n\n4,z', size)).toEqual([
      ['1', 'x'],
      NOT_CLOSED,
      ['3', 'y'],
      ['4', 'z'],
    ]);
    expect(await read('a,b\n1,"', size)).toEqual([NOT_CLOSED]);
  });

  it('takes a quote where none belongs for a character, and a row with too many cells for broken', async () => {
    expect(await read('a,b\n"1"x,y"\n2,y,z\n3,w')).toEqual([
      ['"1"x', 'y"'],
      'The row has 3 cells, the header has 2',
      ['3', 'w'],
    ]);
  });

  it('refuses a row that is too long, and reads the one behind it', async () => {
    const long = 'x'.repeat(MAX_ROW_LENGTH + 1);
    const rows = await read(`a,b\n1,${long}\n2,y\n3,"${'z\n'.repeat(MAX_ROW_LENGTH)}\n4,w`, 10_000);
    expect(rows.slice(0, 2)).toEqual([`A row has at most ${MAX_ROW_LENGTH} characters`, ['2', 'y']]);
    expect(rows.at(-1)).toEqual(['4', 'w']);
  });

  it('gives up after twenty rows without an end', async () => {
    const rows = await read(`a\n${`${'x'.repeat(MAX_ROW_LENGTH + 10)}\n`.repeat(22)}b`, 100_000);
    expect(rows).toHaveLength(20);
  });

  it('reads back any cells, however they arrive', async () => {
    const cell = fc.string({ unit: 'grapheme', maxLength: 8 });
    const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(cell, cell), { maxLength: 8 }),
        fc.integer({ min: 1, max: 20 }),
        async (rows, size) => {
          const text = ['a,b', ...rows.map((cells) => cells.map(quoted).join(','))].join('\r\n');
          expect(await read(text, size)).toEqual(rows);
        },
      ),
    );
  });
});
