import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { DRAINING, FIRST_REQUEST, Registry, requestDuration, type Histogram } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { COMMON_HEADERS, PlainLinks, type PlainLink } from './plain-links.js';
import { readSimpleRequest, type SimpleRequest } from './simple-request.js';

/** The same lines, in the same order, as from Node's server. */
const ANSWER_HEAD = [
  'HTTP/1.1 302 Found',
  ...COMMON_HEADERS.map(([name, value]) => `${name}: ${value}`),
  'location: ',
].join('\r\n');

/**
 * Answers simple requests for leased plain links straight from the socket: Node's parser and its messages take most of
 * the time of so small an answer. A chunk is served only as far as it holds whole requests that can be understood in one
 * way (simple-request.ts) and whose links are known; with anything else the connection, and all that was not served of
 * it, goes to Node's server for good. So there is no parser here whose state a client could lead astray, and the
 * limits and timeouts of requests remain Node's.
 */
@Injectable()
export class PlainConnections {
  constructor(adapterHost: HttpAdapterHost, links: PlainLinks, metrics: Registry) {
    const fastify: FastifyInstance = adapterHost.httpAdapter.getInstance();
    const { server } = fastify;
    const connections = new Set<PlainConnection>();
    const takers = server.listeners('connection');
    server.removeAllListeners('connection');
    let isClosing = false;
    const around: Surroundings = {
      links,
      isClosing: () => isClosing,
      keptAlive: `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(server.keepAliveTimeout / 1000)}\r\n\r\n`,
      duration: requestDuration(metrics),
      server,
      toNode: (socket) => {
        for (const take of takers) Reflect.apply(take, server, [socket]);
      },
      connections,
    };
    server.on('connection', (socket: Socket) => {
      if (isClosing) around.toNode(socket);
      else connections.add(new PlainConnection(socket, around));
    });
    const close = (): void => {
      isClosing = true;
    };
    server.once(DRAINING, close);
    fastify.addHook('preClose', async () => close());
    // Called when the stop has given them time enough.
    const closeIdle = server.closeIdleConnections.bind(server);
    server.closeIdleConnections = () => {
      closeIdle();
      for (const connection of connections) connection.end();
    };
  }
}

interface Plain {
  asked: { method: SimpleRequest['method']; headers: SimpleRequest['headers']; socket: Socket };
  link: PlainLink;
}

interface Surroundings {
  links: PlainLinks;
  isClosing: () => boolean;
  /** The last lines of an answer after which the connection goes on. */
  keptAlive: string;
  duration: Histogram<'method' | 'route' | 'status'>;
  server: Server;
  /** Node's server takes a connection over, as if it had just been accepted. */
  toNode: (socket: Socket) => void;
  connections: Set<PlainConnection>;
}

const ROUTE = { route: '/:slug', status: '302' };

/** A connection until Node's server gets it. */
class PlainConnection {
  #isBusy = false;
  #hasEnded = false;
  #hasServed = false;

  constructor(
    private readonly socket: Socket,
    private readonly around: Surroundings,
  ) {
    // Node's server gives nobody longer to say something.
    socket.setTimeout(around.server.headersTimeout);
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('timeout', this.#onTimeout);
    socket.on('close', this.#onClose);
    socket.on('error', ignore);
  }

  /** An answer that is under way is the last one. */
  end(): void {
    this.#hasEnded = true;
    if (!this.#isBusy) this.socket.destroy();
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#isBusy) {
      this.socket.pause();
      this.socket.unshift(chunk);
      return;
    }
    this.#isBusy = true;
    void this.#serve(chunk);
  };
  readonly #onEnd = (): void => {
    this.#hasEnded = true;
    if (!this.#isBusy) this.socket.end();
  };
  readonly #onTimeout = (): void => {
    if (!this.#isBusy) this.socket.destroy();
  };
  readonly #onClose = (): void => {
    this.around.connections.delete(this);
  };

  async #serve(chunk: Buffer): Promise<void> {
    const startedAt = performance.now();
    const { plain, end } = await this.#plainIn(chunk.toString('latin1'));
    const isWhole = end === chunk.length;
    // An end that comes meanwhile is Node's to see.
    if (!isWhole) this.socket.pause();
    let isLast = false;
    try {
      const answers = await Promise.all(plain.map((each) => this.#answer(each, startedAt)));
      isLast = isWhole && this.around.isClosing();
      const { keptAlive } = this.around;
      if (answers.length > 0)
        this.socket.write(answers.join(keptAlive) + (isLast ? 'Connection: close\r\n\r\n' : keptAlive), 'latin1');
    } catch {
      // A scan that cannot be recorded is not answered.
      this.socket.destroy();
      return;
    }
    this.#hasEnded ||= isLast;
    if (isLast || (isWhole && !this.socket.writableNeedDrain)) this.#goOn();
    else this.#handOver(chunk.subarray(end));
  }

  /** The whole requests that a chunk begins with, as far as each is certain to be answered here. */
  async #plainIn(text: string): Promise<{ plain: Plain[]; end: number }> {
    const { links, isClosing } = this.around;
    const plain: Plain[] = [];
    let end = 0;
    while (end < text.length && !isClosing()) {
      const request = readSimpleRequest(text, end);
      if (!request) break;
      const asked = { method: request.method, headers: request.headers, socket: this.socket };
      let link = links.leased(request.slug, asked);
      if (!link) {
        this.socket.pause();
        link = await links.lease(request.slug, asked);
      }
      if (!link) break;
      if (!this.#hasServed) this.around.server.emit(FIRST_REQUEST, this.socket);
      this.#hasServed = true;
      plain.push({ asked, link });
      end = request.end;
    }
    return { plain, end };
  }

  /** @returns the answer but for its last lines, when the scan is safe */
  async #answer({ asked, link }: Plain, startedAt: number): Promise<string> {
    const { links, duration } = this.around;
    const id = await links.record(asked, link);
    duration.observe({ ...ROUTE, method: asked.method }, (performance.now() - startedAt) / 1000);
    return `${ANSWER_HEAD}${link.url}\r\nx-request-id: ${id}\r\nDate: ${httpDate()}\r\n`;
  }

  #goOn(): void {
    this.#isBusy = false;
    if (this.#hasEnded) {
      this.socket.end();
      return;
    }
    // As Node's server: somewhat longer than was promised, for a request that is on its way.
    const { keepAliveTimeout, keepAliveTimeoutBuffer } = this.around.server;
    this.socket.setTimeout(keepAliveTimeout + keepAliveTimeoutBuffer);
    if (this.socket.isPaused()) this.socket.resume();
  }

  #handOver(unread: Buffer): void {
    const { socket } = this;
    this.around.connections.delete(this);
    if (socket.destroyed) return;
    socket.setTimeout(0);
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    socket.off('timeout', this.#onTimeout);
    socket.off('close', this.#onClose);
    this.around.toNode(socket);
    socket.off('error', ignore);
    if (unread.length > 0) socket.unshift(unread);
    socket.resume();
  }
}

const ignore = (): void => {};

let date = '';
let dateSecond = 0;
/** RFC 9110 §5.6.7; of the second. */
function httpDate(): string {
  const now = Date.now();
  const second = Math.floor(now / 1000);
  if (second !== dateSecond) date = new Date(now).toUTCString();
  dateSecond = second;
  return date;
}
