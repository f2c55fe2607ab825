import { stringify } from 'csv-stringify/sync';

/** Rows as lines of JSON, each ended. */
export const toNdjson = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

/** Items as lines of JSON, as they come. */
export async function* ndjsonLines(items: AsyncIterable<object>): AsyncGenerator<string> {
  for await (const item of items) yield `${JSON.stringify(item)}\n`;
}

/**
 * Rows of cells by RFC 4180; missing values are empty cells. What a spreadsheet would take for a formula (a cell that
 * begins with `=`, `+`, `-`, `@`, a tab or a carriage return) gets an apostrophe before it: the texts may be a stranger's,
 * and a formula reads and sends what stands around it (OWASP, CSV injection).
 * @param bom a byte order mark first, without which spreadsheets take UTF-8 for something else
 */
export const toCsv = (rows: readonly (readonly unknown[])[], { bom = false } = {}): string =>
  stringify(
    rows.map((cells) => [...cells]),
    { bom, record_delimiter: 'windows', escape_formulas: true, cast: { boolean: String } },
  );

/**
 * Items of an answer that is made while it is sent.
 * @returns the items, the first of which has been made: its failure is thrown here, while it can still be the answer's
 * status. A later one cuts the connection, which no client takes for the end.
 */
export async function begun<Item>(items: AsyncGenerator<Item>): Promise<AsyncGenerator<Item>> {
  const first = await items.next();
  async function* all(): AsyncGenerator<Item> {
    try {
      if (first.done) return;
      yield first.value;
      yield* items;
    } finally {
      await items.return(undefined);
    }
  }
  return all();
}
