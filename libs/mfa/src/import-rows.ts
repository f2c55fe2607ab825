import { Readable } from 'node:stream';
import { MAX_IMPORTED_SUBJECTS } from '@signet/contracts';
import { MAX_ROW_LENGTH, ndjsonRows, SignetError, textOf, unreadableRow } from '@signet/platform';
import { parse as parseCsv } from 'csv-parse';

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
  // The parser hears of a wrong row ahead of the rows before it that are still on their way.
  const wrong: { after: number; error: SignetError }[] = [];
  const parser = parseCsv({
    bom: true,
    columns: true,
    skip_empty_lines: true,
    max_record_size: MAX_ROW_LENGTH,
    skip_records_with_error: true,
    on_skip: (error) => void wrong.push({ after: parser.info.records, error: unreadableCsv(error) }),
  });
  stream.on('error', (error) => parser.destroy(error));
  let records = 0;
  try {
    for await (const record of stream.pipe(parser)) {
      while (wrong[0] && wrong[0].after <= records) yield wrong.shift()?.error;
      yield fromCells(record);
      records += 1;
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && String(error.code).startsWith('CSV_'))) throw error;
    throw unreadableCsv(error);
  }
  yield* wrong.map(({ error }) => error);
}

/** Names the rule that was broken: the parser's own sentence may quote what stands there. */
const unreadableCsv = (error: Error | undefined): SignetError =>
  unreadableRow(`The row is not CSV: ${error && 'code' in error ? String(error.code) : 'it cannot be read'}`);

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
