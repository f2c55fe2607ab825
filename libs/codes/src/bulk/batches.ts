import type { SignetError } from '@signet/platform';
import type { PlannedChange, PlannedIssue, PlannedRow } from './planned-row.js';

/** A row of an upload: what it says, and what it asks for or why it is refused. */
export interface Row {
  index: number;
  said: unknown;
  planned: PlannedRow | { error: SignetError };
}

/** Rows that are done in one transaction: they all issue codes, or they change as many different ones. */
export interface Batch {
  firstRow: number;
  rows: Row[];
}

/**
 * How many rows are done at once. More would be little faster, and what waits for one of their codes would wait longer.
 */
export const BATCH_ROWS = 500;

/**
 * Rows in batches, so that doing the batches one after the other is doing the rows one after the other: a code is changed
 * once in a batch, and a row that makes room in the quota is not in one with rows that need it. The same rows are always
 * in the same batches.
 */
export async function* batchesOf(rows: AsyncIterable<Row>): AsyncGenerator<Batch> {
  let batch: Row[] = [];
  let kind: 'issue' | 'change' | undefined;
  let ids = new Set<string>();
  for await (const row of rows) {
    const { planned } = row;
    const rowKind = 'error' in planned ? kind : planned.kind === 'issue' ? 'issue' : 'change';
    const id = 'id' in planned ? planned.id : undefined;
    const fits = (kind ?? rowKind) === rowKind && !(id !== undefined && ids.has(id)) && batch.length < BATCH_ROWS;
    if (!fits) {
      yield batchOf(batch);
      [batch, kind, ids] = [[], undefined, new Set()];
    }
    batch.push(row);
    kind = 'error' in planned ? kind : rowKind;
    if (id !== undefined) ids.add(id);
  }
  if (batch.length > 0) yield batchOf(batch);
}

const batchOf = (rows: Row[]): Batch => ({ firstRow: rows[0]?.index ?? 0, rows });

/** What a batch asks for, without the rows that are refused already. */
export function workOf({ rows }: Batch): { issues: PlannedIssue[]; changes: PlannedChange[] } {
  const planned = rows.map((row) => row.planned).filter((row): row is PlannedRow => !('error' in row));
  return {
    issues: planned.filter((row) => row.kind === 'issue'),
    changes: planned.filter((row) => row.kind !== 'issue'),
  };
}
