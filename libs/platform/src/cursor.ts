import { z } from 'zod';
import { SignetError } from './errors.js';

/** An opaque page cursor: base64url of the JSON of the last row's sort key. */
export const encodeCursor = (position: unknown): string => Buffer.from(JSON.stringify(position)).toString('base64url');

/** @throws SignetError `invalid-cursor` when it is not one that `encodeCursor` made for this schema */
export function decodeCursor<Schema extends z.ZodType>(
  cursor: string | undefined,
  schema: Schema,
): z.output<Schema> | undefined {
  if (cursor === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
  } catch {
    throw new SignetError('invalid-cursor');
  }
}

/** Cuts a page of `limit` from rows that were read with `limit + 1`. */
export function toPage<Row>(
  rows: readonly Row[],
  limit: number,
  position: (row: Row) => unknown,
): { items: Row[]; nextCursor: string | null } {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last !== undefined ? encodeCursor(position(last)) : null };
}
