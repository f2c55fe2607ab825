import { lookup } from 'node:dns/promises';
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { openConnection, type Certificate, type Connection } from './guarded-connection.js';
import { OutgoingError } from './outgoing-error.js';
import { isPublicAddress } from './public-address.js';

const TIMEOUT_MILLISECONDS = 10_000;
const MAX_HEADER_BYTES = 32 * 1024;

export interface OutgoingRequest {
  url: string;
  /** Default `GET`. */
  method?: 'GET' | 'HEAD' | 'POST';
  headers?: Record<string, string>;
  body?: string | Buffer;
  /** From the first look-up to the last byte; default 10 s. */
  timeoutMilliseconds?: number;
  /** Gives the call up, as the end of its time does. */
  signal?: AbortSignal;
  /** What is read of the body at most; default 0: the answer's head is enough, and the connection is closed. */
  maxBytes?: number;
}

export interface OutgoingAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  /** Whether there was more of the body than `maxBytes`. */
  truncated: boolean;
  address: string;
  /** Of an https server. */
  certificate?: Certificate;
  /** From the first look-up to the answer's head. */
  milliseconds: number;
}

export interface HttpClientOptions {
  /** Also the addresses that are not of the public Internet: for installations whose targets are in a private network. */
  allowPrivate?: boolean;
  /** In place of the rule on addresses. */
  allows?: (address: string) => boolean;
  /** In place of the system's resolver. */
  resolve?: (name: string) => Promise<string[]>;
}

const resolveName = async (name: string): Promise<string[]> =>
  (await lookup(name, { all: true })).map(({ address }) => address);

/**
 * The one way in which Signet calls somebody else's server, at a URL that a stranger chose (security.md §6): only http
 * and https without user information, only to public addresses, checked at the connection itself; no redirect is
 * followed, no cookie kept, no connection reused, nothing decompressed; time and size are limited.
 */
export class HttpClient {
  private readonly allows: (address: string) => boolean;
  private readonly resolve: (name: string) => Promise<string[]>;

  constructor({ allowPrivate = false, allows, resolve = resolveName }: HttpClientOptions = {}) {
    this.allows = allows ?? (allowPrivate ? () => true : isPublicAddress);
    this.resolve = resolve;
  }

  /** @throws OutgoingError whenever there is no answer; an answer of any status is none */
  async send(request: OutgoingRequest): Promise<OutgoingAnswer> {
    const url = callable(request.url);
    const startedAt = performance.now();
    const timeout = AbortSignal.timeout(request.timeoutMilliseconds ?? TIMEOUT_MILLISECONDS);
    const signal = request.signal ? AbortSignal.any([timeout, request.signal]) : timeout;
    let connection: Connection | undefined;
    try {
      connection = await openConnection(url, { allows: this.allows, resolve: this.resolve, signal });
      const message = await exchange(url, request, connection, signal);
      const milliseconds = Math.round(performance.now() - startedAt);
      const { address, certificate } = connection;
      const { body, truncated } = await read(message, request.maxBytes ?? 0);
      const { statusCode: status = 0, headers } = message;
      return { status, headers, body, truncated, address, ...(certificate && { certificate }), milliseconds };
    } catch (error) {
      if (signal.aborted) throw new OutgoingError('timeout', { cause: error });
      if (error instanceof OutgoingError) throw error;
      throw new OutgoingError('no-answer', { cause: error });
    } finally {
      connection?.socket.destroy();
    }
  }
}

function callable(text: string): URL {
  if (!URL.canParse(text)) throw new OutgoingError('url-refused');
  const url = new URL(text);
  const isWeb = url.protocol === 'http:' || url.protocol === 'https:';
  if (!isWeb || url.username !== '' || url.password !== '') throw new OutgoingError('url-refused');
  return url;
}

/** @returns the head of the answer, its body unread */
function exchange(
  url: URL,
  { method = 'GET', headers, body }: OutgoingRequest,
  { socket }: Connection,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({
      createConnection: () => socket,
      method,
      path: `${url.pathname}${url.search}`,
      setHost: false,
      headers: { host: url.host, accept: '*/*', ...headers },
      maxHeaderSize: MAX_HEADER_BYTES,
      signal,
    });
    outgoing.once('response', resolve);
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

async function read(message: IncomingMessage, maxBytes: number): Promise<{ body: Buffer; truncated: boolean }> {
  if (maxBytes === 0) {
    message.on('error', () => undefined);
    return { body: Buffer.alloc(0), truncated: false };
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of message) {
    chunks.push(Buffer.from(chunk));
    length += Buffer.byteLength(chunk);
    if (length > maxBytes) break;
  }
  return { body: Buffer.concat(chunks).subarray(0, maxBytes), truncated: length > maxBytes };
}
