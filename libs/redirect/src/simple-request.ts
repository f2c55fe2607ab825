import type { IncomingHttpHeaders } from 'node:http';

/** What `readSimpleRequest` has understood. */
export interface SimpleRequest {
  method: 'GET' | 'HEAD';
  slug: string;
  /** By name in lower case. */
  headers: IncomingHttpHeaders;
  /** Where the next request begins. */
  end: number;
}

/** What is longer is Node's to judge. */
const MAX_HEAD_LENGTH = 8 * 1024;
const MAX_HEADERS = 64;
const REQUEST_LINE = /(GET|HEAD) \/([A-Za-z0-9_-]{1,64}) HTTP\/1\.1\r\n/y;
/** RFC 9110 §5: a token, and visible ASCII with single blanks or runs of them inside. */
const HEADER_LINE = /([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)\r\n/y;
const HOST = /^[A-Za-z0-9.-]+(:\d{1,5})?$|^\[[0-9A-Fa-f:.]+\](:\d{1,5})?$/;
/** With these a request has a body, another protocol or a hop of its own. */
const FOREIGN = new Set([
  'content-length',
  'expect',
  'http2-settings',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Reads a request of which there can be only one understanding (RFC 9112): `GET` or `HEAD` of a slug and nothing else,
 * complete, without a body, each header once and on one line. It judges nothing: whatever is not such a request, half of
 * one or a wrong one, is left to Node's parser.
 * @param text as latin1
 * @param start where the request begins
 * @returns undefined for everything else
 */
export function readSimpleRequest(text: string, start: number): SimpleRequest | undefined {
  REQUEST_LINE.lastIndex = start;
  const line = REQUEST_LINE.exec(text);
  if (!line) return undefined;
  const headers: Record<string, string> = {};
  let at = REQUEST_LINE.lastIndex;
  for (let count = 0; !text.startsWith('\r\n', at); count += 1) {
    HEADER_LINE.lastIndex = at;
    const header = HEADER_LINE.exec(text);
    if (!header || count === MAX_HEADERS) return undefined;
    const name = (header[1] ?? '').toLowerCase();
    if (name in headers) return undefined;
    headers[name] = header[2] ?? '';
    at = HEADER_LINE.lastIndex;
  }
  const end = at + 2;
  if (end - start > MAX_HEAD_LENGTH || !isOwnHop(headers)) return undefined;
  return { method: line[1] === 'GET' ? 'GET' : 'HEAD', slug: line[2] ?? '', headers, end };
}

function isOwnHop(headers: Readonly<Record<string, string>>): boolean {
  const { host, connection } = headers;
  if (host === undefined || !HOST.test(host)) return false;
  if (connection !== undefined && connection.toLowerCase() !== 'keep-alive') return false;
  for (const name in headers) if (FOREIGN.has(name)) return false;
  return true;
}
