import { Readable } from 'node:stream';
import type { EXPORT_FORMATS } from '@signet/contracts';
import { begun, toCsv, toNdjson } from '@signet/platform';
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
 * A file of rows that is made while it is downloaded. What nobody takes is not read.
 * @param columns of a CSV: the fields of a row, in order
 */
export async function toFile<Row extends object>(
  rows: AsyncGenerator<Row[]>,
  { format, columns, name }: { format: Format; columns: readonly string[]; name: string },
): Promise<StreamableFile> {
  const pages = await begun(rows);
  const isCsv = format === 'csv';
  async function* text(): AsyncGenerator<string> {
    if (isCsv) yield toCsv([columns]);
    for await (const page of pages) yield isCsv ? toCsv(page.map((row) => toCells(row, columns))) : toNdjson(page);
  }
  return new StreamableFile(Readable.from(text(), { objectMode: false }), {
    type: isCsv ? 'text/csv; charset=utf-8; header=present' : 'application/x-ndjson',
    disposition: `attachment; filename="${name}.${format}"`,
  });
}

/** What a row has under the names of the columns; what is no text, as JSON. */
function toCells(row: object, columns: readonly string[]): unknown[] {
  const fields = new Map<string, unknown>(Object.entries(row));
  return columns.map((column) => fields.get(column));
}
