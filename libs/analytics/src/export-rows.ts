import { Readable } from 'node:stream';
import type { EXPORT_FORMATS } from '@signet/contracts';
import { StreamableFile } from '@nestjs/common';

const PAGE = 1000;

type Format = (typeof EXPORT_FORMATS)[number];

/**
 * Reads everything in pages by the key of the last row, so that no transaction is held open while somebody downloads.
 * @param read the rows past a position, in order
 */
export async function* exportRows<Row extends { at: string; id: string }>(
  read: (past: [at: string, id: string] | undefined, limit: number) => Promise<Row[]>,
): AsyncGenerator<Row[]> {
  let past: [string, string] | undefined;
  for (;;) {
    const rows = await read(past, PAGE);
    if (rows.length > 0) yield rows;
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return;
    past = [last.at, last.id];
  }
}

/**
 * A file of rows that is made while it is downloaded. The first page is read before the answer begins, so that a failure
 * is a problem+json; a later one cuts the connection, which no client takes for the end. What nobody takes is not read.
 * @param columns of a CSV: the fields of a row, in order
 */
export async function toFile<Row extends object>(
  rows: AsyncGenerator<Row[]>,
  { format, columns, name }: { format: Format; columns: readonly string[]; name: string },
): Promise<StreamableFile> {
  const first = await rows.next();
  const toText = format === 'csv' ? (page: Row[]) => toCsv(page, columns) : toNdjson;
  async function* text(): AsyncGenerator<string> {
    if (format === 'csv') yield `${columns.join(',')}\r\n`;
    if (first.done) return;
    yield toText(first.value);
    for await (const page of rows) yield toText(page);
  }
  return new StreamableFile(Readable.from(text(), { objectMode: false }), {
    type: format === 'csv' ? 'text/csv; charset=utf-8; header=present' : 'application/x-ndjson',
    disposition: `attachment; filename="${name}.${format}"`,
  });
}

const toNdjson = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

function toCsv(rows: readonly object[], columns: readonly string[]): string {
  return rows
    .map((row) => {
      const fields = new Map<string, unknown>(Object.entries(row));
      return `${columns.map((column) => toCell(fields.get(column))).join(',')}\r\n`;
    })
    .join('');
}

/** By RFC 4180. A text that a spreadsheet would run as a formula gets an apostrophe in front (OWASP, CSV injection). */
function toCell(value: unknown): string {
  if (value === undefined || value === null) return '';
  const plain = typeof value === 'string' ? value : JSON.stringify(value);
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(plain) ? `'${plain}` : plain;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
