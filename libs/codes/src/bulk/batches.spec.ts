import { Readable } from 'node:stream';
import { SignetError } from '@signet/platform';
import fc from 'fast-check';
import { BATCH_ROWS, batchesOf, type Batch, type Row } from './batches.js';
import type { PlannedRow } from './planned-row.js';

const issue: PlannedRow = {
  kind: 'issue',
  body: { kind: 'link', target: { url: 'https://example.org/' } },
  passwordHash: null,
};
const rowOf = (what: string, index: number): Row => {
  if (what === 'error') return { index, said: null, planned: { error: new SignetError('invalid-request') } };
  return { index, said: null, planned: what === 'issue' ? issue : { kind: 'move', id: what, action: 'pause' } };
};
const batch = async (rows: readonly Row[]): Promise<Batch[]> => {
  const batches: Batch[] = [];
  for await (const one of batchesOf(Readable.from(rows))) batches.push(one);
  return batches;
};

describe('batchesOf', () => {
  it('keeps the order, and never has in one batch what must be done one after the other', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom('issue', 'error', 'a', 'b', 'c'), { maxLength: 60 }), async (whats) => {
        const rows = whats.map(rowOf);
        const batches = await batch(rows);
        expect(batches.flatMap((one) => one.rows)).toEqual(rows);
        for (const one of batches) {
          const planned = one.rows.map((row) => row.planned);
          const ids = planned.flatMap((row) => ('id' in row ? [row.id] : []));
          expect(new Set(ids).size).toBe(ids.length);
          expect(ids.length === 0 || !planned.includes(issue)).toBe(true);
          expect(one.firstRow).toBe(one.rows[0]?.index);
        }
      }),
    ));

  it('has as many rows in a batch as are done at once', async () => {
    const batches = await batch(Array.from({ length: BATCH_ROWS * 2 + 1 }, (_, index) => rowOf('issue', index)));
    expect(batches.map(({ rows }) => rows.length)).toEqual([BATCH_ROWS, BATCH_ROWS, 1]);
  });
});
