import { Readable } from 'node:stream';
import { MAX_IMPORTED_SUBJECTS } from '@signet/contracts';
import { csvRows, ndjsonRows, SignetError, textOf } from '@signet/platform';

export const IMPORT_TYPES = ['application/x-ndjson', 'text/csv'] as const;
export type ImportType = (typeof IMPORT_TYPES)[number];

/** A row as it came: what it says, or why it cannot be read. */
export type ImportRow = { index: number } & ({ body: unknown } | { unreadable: SignetError });

/**
 * The rows of an import one after the other, as they arrive. What cannot be split into rows any more, and the row after
 * the last that is allowed, is the last one.
 */
export async function* readRows(stream: Readable, type: ImportType): AsyncGenerator<ImportRow> {
  let index = 0;
  const bodies = type === 'text/csv' ? csvBodies(stream) : ndjsonBodies(stream);
  try {
    for await (const body of bodies) {
      if (index === MAX_IMPORTED_SUBJECTS)
        throw new SignetError('body-too-large', { detail: `An import has at most ${MAX_IMPORTED_SUBJECTS} rows` });
      yield body instanceof SignetError ? { index, unreadable: body } : { index, body };
      index += 1;
    }
  } catch (error) {
    if (!(error instanceof SignetError)) throw error;
    yield { index, unreadable: error };
  }
}

async function* ndjsonBodies(stream: Readable): AsyncGenerator {
  for await (const row of ndjsonRows(textOf(stream))) yield 'json' in row ? row.json : row.unreadable;
}

/**
 * A header with the fields' names; groups and roles joined by `|`, attributes as `attributes.<name>`, an empty cell for
 * a field that is left out.
 */
async function* csvBodies(stream: Readable): AsyncGenerator {
  for await (const row of csvRows(textOf(stream))) yield 'cells' in row ? fromCells(row.cells) : row.unreadable;
}

function fromCells(cells: Readonly<Record<string, string>>): unknown {
  const body: Record<string, unknown> = {};
  const attributes: Record<string, string> = {};
  for (const [column, cell] of Object.entries(cells)) {
    if (cell === '') continue;
    if (column.startsWith('attributes.')) attributes[column.slice('attributes.'.length)] = cell;
    else if (column === 'groups' || column === 'roles') body[column] = cell.split('|').filter(Boolean);
    else body[column] = cell;
  }
  return Object.keys(attributes).length > 0 ? { ...body, attributes } : body;
}
