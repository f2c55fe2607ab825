import type { Readable } from 'node:stream';
import type { BulkType } from '@signet/contracts';
import { csvRows, ndjsonRows, textOf, type CsvRow, type JsonRow } from '@signet/platform';

/** A row as it came: a JSON value, or the cells of a CSV by their columns; or why it cannot be read. */
export type UploadedRow = CsvRow | JsonRow;

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
