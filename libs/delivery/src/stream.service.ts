import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiKeyGuard } from '@signet/access';
import type { StreamQuery } from '@signet/contracts';
import {
  counter,
  LOGGER,
  observedGauge,
  Registry,
  SignetError,
  type Caller,
  type Counter,
  type Logger,
} from '@signet/platform';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { LiveTail } from './live-tail.js';
import { StreamClient, type EndReason } from './stream-client.js';
import { decodeStreamCursor } from './stream-cursor.js';
import { StreamLimits } from './stream-limits.js';

interface Connection {
  client: StreamClient;
  keyId: string;
  request: FastifyRequest;
  closed: Promise<void>;
}

/** The open streams of this process: who may have one, who still may, and how they end. */
@Injectable()
export class StreamService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly connections = new Set<Connection>();
  private readonly dropped: Counter<'reason'>;
  private timers: NodeJS.Timeout[] = [];
  private stopping = false;

  constructor(
    private readonly tail: LiveTail,
    private readonly guard: ApiKeyGuard,
    private readonly limits: StreamLimits,
    @Inject(LOGGER) private readonly logger: Logger,
    metrics: Registry,
  ) {
    observedGauge(metrics, 'signet_stream_clients', 'Open event streams', () => this.connections.size);
    this.dropped = counter(metrics, 'signet_stream_dropped_total', 'Event streams that Signet ended', ['reason']);
    tail.onEvents((topic) => this.connections.forEach(({ client }) => client.pump(topic)));
  }

  onApplicationBootstrap(): void {
    this.timers = [
      setInterval(() => this.connections.forEach(({ client }) => client.ping()), this.limits.pingMilliseconds),
      setInterval(() => void this.reauthorize(), this.limits.authorizeMilliseconds),
    ];
    this.timers.forEach((timer) => timer.unref());
  }

  /** Before the server closes, which waits for open responses. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    this.timers.forEach((timer) => clearInterval(timer));
    const closed = [...this.connections].map((connection) => connection.closed);
    for (const { client } of this.connections) client.end('shutdown');
    await Promise.all(closed);
  }

  /**
   * Makes sure that a stream can be opened, while a refusal can still be a problem.
   * @returns the log's id
   * @throws SignetError `unavailable` when there are too many streams, or no log to follow
   */
  async admit(): Promise<string> {
    if (this.stopping) throw new SignetError('unavailable', { detail: 'Signet is shutting down' });
    if (this.connections.size >= this.limits.subscribers)
      throw new SignetError('unavailable', { detail: 'Too many open streams', retryAfter: 10 });
    return this.tail.ready();
  }

  /** Streams until the client leaves or is ended. @param logId what `admit` returned */
  open({ request, response, caller, query, logId }: OpenStream): void {
    const rings = new Map(query.topics.map((topic) => [topic, this.tail.ring(topic)]));
    const cursor = lastEventId(request.raw) ?? query.last_event_id;
    const closed = new Promise<void>((resolve) => response.once('close', () => resolve()));
    const client = new StreamClient({
      response,
      rings,
      logId,
      workspaceId: caller.workspaceId,
      codeId: query.codeId,
      limits: this.limits,
      resumeFrom: cursor === undefined ? undefined : (decodeStreamCursor(logId, cursor) ?? 'unknown'),
      onEnd: (reason) => this.forget(connection, reason),
    });
    const connection = { client, keyId: caller.keyId, request, closed };
    this.connections.add(connection);
    client.open();
  }

  private forget(connection: Connection, reason: EndReason): void {
    this.connections.delete(connection);
    if (reason === 'closed') return;
    this.dropped.inc({ reason });
    this.logger.info({ requestId: connection.request.id, keyId: connection.keyId, reason }, 'stream ended');
  }

  /** Looks each key up once, however many streams it has. A key that cannot be looked up now keeps them. */
  private async reauthorize(): Promise<void> {
    const requests = new Map([...this.connections].map(({ keyId, request }) => [keyId, request]));
    for (const [keyId, request] of requests) {
      try {
        await this.guard.authenticate(request);
      } catch (error) {
        if (error instanceof SignetError && error.kind === 'unauthenticated') this.endStreamsOf(keyId);
        else this.logger.warn({ err: error }, 'a stream could not be authorized again; it goes on');
      }
    }
  }

  private endStreamsOf(keyId: string): void {
    for (const connection of this.connections) if (connection.keyId === keyId) connection.client.end('unauthorized');
  }
}

export interface OpenStream {
  request: FastifyRequest;
  response: ServerResponse;
  caller: Caller;
  query: StreamQuery;
  logId: string;
}

/** What a browser sends when it connects again. */
function lastEventId({ headers }: IncomingMessage): string | undefined {
  const header = headers['last-event-id'];
  return typeof header === 'string' && header !== '' ? header : undefined;
}
