import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { BulkType } from '@signet/contracts';
import {
  MAX_ROW_LENGTH,
  ndjsonRows,
  rowTooLong,
  SignetError,
  textOf,
  unreadableRow,
  type JsonRow,
} from '@signet/platform';
import { parse as parseCsv } from 'csv-parse';

const MAX_COLUMNS = 100;

/** A row as it came: a JSON value, or the cells of a CSV by their columns; or why it cannot be read. */
export type UploadedRow = { cells: Readonly<Record<string, string>> } | JsonRow;

/**
 * The rows of a body one after the other, as they arrive. A row that cannot be read is one, too; what cannot be split into
 * rows any more is the last. Who stops reading leaves the rest of the body where it is.
 * @param checkHeader of a CSV: throws when its columns are not those of the format
 * @throws SignetError `unreadable-request` | `invalid-request` for a header; whatever breaks the connection
 */
export async function* readRows(
  body: Readable,
  type: BulkType,
  checkHeader: (columns: readonly string[]) => void,
): AsyncGenerator<UploadedRow> {
  const text = textOf(body);
  yield* type === 'text/csv' ? csvRows(text, checkHeader) : ndjsonRows(text);
}

async function* csvRows(
  text: AsyncIterable<string>,
  checkHeader: (columns: readonly string[]) => void,
): AsyncGenerator<UploadedRow> {
  let columns: readonly string[] | undefined;
  try {
    for await (const cells of csvRecords(text)) {
      if (columns) yield csvRow(columns, cells);
      else {
        columns = headerOf(cells);
        checkHeader(columns);
      }
    }
  } catch (error) {
    if (!columns || !(error instanceof UnreadableRest)) throw error instanceof UnreadableRest ? error.reason : error;
    yield { unreadable: error.reason };
    return;
  }
  if (columns === undefined) throw unreadableRow('The CSV has no header');
}

/** What comes cannot be split into rows any more. */
class UnreadableRest extends Error {
  constructor(readonly reason: SignetError) {
    super(reason.message);
  }
}

/**
 * A quote where none belongs is a character. One that is never closed, and a record that is too long, end the records.
 * @throws UnreadableRest
 */
async function* csvRecords(text: AsyncIterable<string>): AsyncGenerator<readonly string[]> {
  // Taken from the parser as it finds them: its stream drops those that are still in it when it meets an error.
  let found: string[][] = [];
  const parser = parseCsv({
    relax_quotes: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MAX_ROW_LENGTH,
    on_record: (record: string[]) => void found.push(record),
  }).resume();
  const ended = finished(parser).catch((error: unknown) => error);
  const take = (): string[][] => {
    const taken = found;
    found = [];
    return taken;
  };
  try {
    for await (const chunk of text) {
      parser.write(chunk);
      yield* take();
      if (parser.errored) break;
    }
  } catch (error) {
    // Not UTF-8, or the connection is gone.
    throw error instanceof SignetError ? new UnreadableRest(error) : error;
  }
  parser.end();
  const error = await ended;
  yield* take();
  if (error !== undefined) throw new UnreadableRest(csvError(error));
}

function headerOf(cells: readonly string[]): readonly string[] {
  const columns = cells.map((cell) => cell.trim());
  if (columns.length > MAX_COLUMNS) throw unreadableRow(`The CSV has more than ${MAX_COLUMNS} columns`);
  const twice = columns.filter((column, place) => column !== '' && columns.indexOf(column) !== place);
  if (twice.length > 0)
    throw new SignetError('invalid-request', {
      detail: `The header names ${twice.join(', ')} more than once`,
      errors: twice.map((path) => ({ path, message: 'is a column more than once' })),
    });
  return columns;
}

/** Cells that a spreadsheet left out at the end are empty. */
function csvRow(columns: readonly string[], cells: readonly string[]): UploadedRow {
  if (cells.slice(columns.length).some((cell) => cell !== ''))
    return { unreadable: unreadableRow(`The row has ${cells.length} cells, the header has ${columns.length}`) };
  return { cells: Object.fromEntries(columns.map((column, place) => [column, cells[place] ?? ''])) };
}

/** Names the rule that was broken: the parser's own sentence may quote what stands there. */
function csvError(error: unknown): SignetError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'CSV_MAX_RECORD_SIZE') return rowTooLong();
  if (code.startsWith('CSV_')) return unreadableRow(`The row is not CSV: ${code}`);
  throw error;
}
