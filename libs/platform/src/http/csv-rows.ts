import { finished } from 'node:stream/promises';
import { parse as parseCsv } from 'csv-parse';
import { SignetError } from '../errors.js';
import { MAX_ROW_LENGTH, rowTooLong, unreadableRow } from './ndjson-rows.js';

const MAX_COLUMNS = 100;
/** Each is looked at up to `MAX_ROW_LENGTH` for its end, so that more of them would cost more than they tell. */
const MAX_UNENDED_ROWS = 20;

/** A row by its columns, or why it cannot be read. */
export type CsvRow = { cells: Readonly<Record<string, string>> } | { unreadable: SignetError };

/**
 * The rows of a CSV (RFC 4180) one after the other, as they arrive, empty ones left out. A row that cannot be read is
 * one, too, and the line behind it begins the next: a quote that is never closed does not take the rest along. What
 * cannot be split into rows any more is the last.
 * @param checkHeader throws when the columns are not those that are wanted
 * @throws SignetError `unreadable-request` | `invalid-request` for a header; whatever breaks the connection
 */
export async function* csvRows(
  text: AsyncIterable<string>,
  checkHeader: (columns: readonly string[]) => void = () => undefined,
): AsyncGenerator<CsvRow> {
  let columns: readonly string[] | undefined;
  for await (const record of csvRecords(text)) {
    if (columns) yield 'unreadable' in record ? record : csvRow(columns, record.cells);
    else {
      if ('unreadable' in record) throw record.unreadable;
      columns = headerOf(record.cells);
      checkHeader(columns);
    }
  }
  if (columns === undefined) throw unreadableRow('The CSV has no header');
}

type CsvRecord = { cells: readonly string[] } | { unreadable: SignetError };

async function* csvRecords(text: AsyncIterable<string>): AsyncGenerator<CsvRecord> {
  let reader = new RecordReader();
  let unended = 0;
  try {
    for await (const chunk of text) {
      let rest = chunk;
      for (;;) {
        yield* reader.write(rest);
        const broken = reader.broken();
        if (!broken) break;
        yield { unreadable: broken.error };
        if (++unended === MAX_UNENDED_ROWS) return;
        reader = new RecordReader();
        rest = broken.rest;
      }
    }
  } catch (error) {
    if (!(error instanceof SignetError)) throw error;
    // Not UTF-8.
    yield { unreadable: error };
    return;
  }
  for (;;) {
    yield* await reader.end();
    const broken = reader.broken();
    if (!broken) return;
    yield { unreadable: broken.error };
    if (++unended === MAX_UNENDED_ROWS || broken.rest === '') return;
    reader = new RecordReader();
    yield* reader.write(broken.rest);
  }
}

/** Splits text into records up to the first that has no end. A quote where none belongs is a character. */
class RecordReader {
  private found: CsvRecord[] = [];
  private text = Buffer.alloc(0);
  /** Bytes of `text` that are behind the last whole record, and of all text that was let go before it. */
  private whole = 0;
  private dropped = 0;
  // Taken from the parser as it finds them: its stream drops those that are still in it when it meets an error.
  private readonly parser = parseCsv({
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_quotes: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MAX_ROW_LENGTH,
    on_record: (cells: string[], { bytes }) => {
      this.found.push({ cells });
      this.whole = bytes;
    },
  }).resume();
  private readonly ended = finished(this.parser).catch(() => undefined);

  write(text: string): CsvRecord[] {
    const bytes = Buffer.from(text);
    this.text = Buffer.concat([this.text.subarray(this.whole - this.dropped), bytes]);
    this.dropped = this.whole;
    this.parser.write(bytes);
    return this.take();
  }

  async end(): Promise<CsvRecord[]> {
    this.parser.end();
    await this.ended;
    return this.take();
  }

  /** @returns the record that has no end, if there was one, and the text behind its first line */
  broken(): { error: SignetError; rest: string } | undefined {
    const { errored } = this.parser;
    if (!errored) return undefined;
    const text = this.text.subarray(this.whole - this.dropped).toString();
    const line = /\r\n|\n|\r/.exec(text.replace(/^[\r\n]+/, (empty) => ' '.repeat(empty.length)));
    return { error: csvError(errored), rest: line ? text.slice(line.index + line[0].length) : '' };
  }

  private take(): CsvRecord[] {
    const taken = this.found;
    this.found = [];
    return taken;
  }
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
function csvRow(columns: readonly string[], cells: readonly string[]): CsvRow {
  if (cells.slice(columns.length).some((cell) => cell !== ''))
    return { unreadable: unreadableRow(`The row has ${cells.length} cells, the header has ${columns.length}`) };
  return { cells: Object.fromEntries(columns.map((column, place) => [column, cells[place] ?? ''])) };
}

/** Names the rule that was broken: the parser's own sentence may quote what stands there. */
function csvError(error: Error): SignetError {
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'CSV_MAX_RECORD_SIZE') return rowTooLong();
  if (code.startsWith('CSV_')) return unreadableRow(`The row is not CSV: ${code}`);
  throw error;
}
