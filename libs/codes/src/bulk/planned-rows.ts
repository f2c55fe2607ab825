import { MAX_BULK_ROWS, type BulkQuery } from '@signet/contracts';
import { SignetError } from '@signet/platform';
import type { Row } from './batches.js';
import { formats } from './formats.js';
import { planRow } from './planned-row.js';
import type { UploadedRow } from './uploaded-rows.js';

/**
 * What the rows ask for, one after the other. The row after the last that is allowed is refused, and is the last.
 * @param limit of rows; null: as many as an upload may have
 */
export async function* planRows(
  uploaded: AsyncIterable<UploadedRow>,
  { format, domain, limit }: Pick<BulkQuery, 'format' | 'domain'> & { limit: number | null },
): AsyncGenerator<Row> {
  const most = Math.min(limit ?? MAX_BULK_ROWS, MAX_BULK_ROWS);
  let index = 0;
  for await (const row of uploaded) {
    if (index === most) {
      yield { index, said: null, planned: { error: tooMany(most) } };
      return;
    }
    yield await planOne(row, { index, format, domain });
    index += 1;
  }
}

/** @throws SignetError when more than this row is wrong */
async function planOne(
  uploaded: UploadedRow,
  { index, format, domain }: Pick<BulkQuery, 'format' | 'domain'> & { index: number },
): Promise<Row> {
  if ('unreadable' in uploaded) return { index, said: null, planned: { error: uploaded.unreadable } };
  const said = 'json' in uploaded ? uploaded.json : uploaded.cells;
  try {
    const row = formats[format].read(uploaded);
    const planned = await planRow(row);
    const moved = planned.kind === 'issue' && domain !== undefined;
    return { index, said, planned: moved ? { ...planned, body: { ...planned.body, domain } } : planned };
  } catch (error) {
    if (!(error instanceof SignetError) || error.status >= 500) throw error;
    return { index, said, planned: { error } };
  }
}

export const tooMany = (limit: number): SignetError =>
  new SignetError('quota-exceeded', { detail: `A bulk call is for at most ${limit} codes`, limit });
