import type { Readable } from 'node:stream';
import { TextDecoder } from 'node:util';
import { SignetError } from '../errors.js';

/** Characters of a row of an upload. */
export const MAX_ROW_LENGTH = 64 * 1024;

/** A row as it came, or why it cannot be read. */
export type JsonRow = { json: unknown } | { unreadable: SignetError };

export const unreadableRow = (detail: string): SignetError => new SignetError('unreadable-request', { detail });
export const rowTooLong = (): SignetError =>
  new SignetError('body-too-large', { detail: `A row has at most ${MAX_ROW_LENGTH} characters` });

/**
 * A body's text as it arrives, without its byte order mark. Who stops reading leaves the rest of the body where it is: its
 * answer is still on the way.
 * @throws SignetError `unreadable-request` for what is not UTF-8; whatever breaks the connection
 */
export async function* textOf(body: Readable): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for await (const chunk of body.iterator({ destroyOnReturn: false })) yield decode(decoder, chunk);
  yield decode(decoder);
}

function decode(decoder: TextDecoder, chunk?: Uint8Array): string {
  try {
    return decoder.decode(chunk, { stream: chunk !== undefined });
  } catch {
    throw unreadableRow('The body is not UTF-8');
  }
}

/** The lines of JSON one after the other, empty ones left out. What cannot be split into rows any more is the last. */
export async function* ndjsonRows(text: AsyncIterable<string>): AsyncGenerator<JsonRow> {
  let rest = '';
  try {
    for await (const chunk of text) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.trim() !== '') yield ndjsonRow(line);
      if (rest.length > MAX_ROW_LENGTH) throw rowTooLong();
    }
  } catch (error) {
    if (!(error instanceof SignetError)) throw error;
    yield { unreadable: error };
    return;
  }
  if (rest.trim() !== '') yield ndjsonRow(rest);
}

function ndjsonRow(line: string): JsonRow {
  if (line.length > MAX_ROW_LENGTH) return { unreadable: rowTooLong() };
  try {
    return { json: JSON.parse(line) };
  } catch {
    return { unreadable: unreadableRow('The row is not JSON') };
  }
}
