import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiKeyGuard } from '@signet/access';
import type { StreamQuery, StreamTopic } from '@signet/contracts';
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
import { DataSource } from 'typeorm';
import { FreshEvents } from './fresh-events.js';
import { LiveTail } from './live-tail.js';
import { StreamClient, type EndReason } from './stream-client.js';
import { decodeStreamCursor } from './stream-cursor.js';
import { StreamLimits } from './stream-limits.js';
import { TaggedCodes } from './tagged-codes.js';
import { isWanted } from './webhooks/event-pattern.js';

interface Connection {
  client: StreamClient;
  keyId: string;
  request: FastifyRequest;
  closed: Promise<void>;
  tagged?: TaggedCodes;
}

/** The open streams of this process: who may have one, who still may, and how they end. */
@Injectable()
export class StreamService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly connections = new Set<Connection>();
  private readonly dropped: Counter<'reason'>;
  /** The place up to which clients were told of a topic, and those of which they will be told soon. */
  private readonly told = new Map<StreamTopic, number>();
  private readonly waiting = new Map<StreamTopic, NodeJS.Timeout>();
  private timers: NodeJS.Timeout[] = [];
  private stopping = false;

  constructor(
    private readonly tail: LiveTail,
    private readonly guard: ApiKeyGuard,
    private readonly dataSource: DataSource,
    private readonly limits: StreamLimits,
    @Inject(LOGGER) private readonly logger: Logger,
    metrics: Registry,
  ) {
    observedGauge(metrics, 'signet_stream_clients', 'Open event streams', () => this.connections.size);
    this.dropped = counter(metrics, 'signet_stream_dropped_total', 'Event streams that Signet ended', ['reason']);
    tail.onEvents((topic) => this.announce(topic));
  }

  onApplicationBootstrap(): void {
    this.timers = [
      setInterval(() => this.connections.forEach(({ client }) => client.ping()), this.limits.pingMilliseconds),
      setInterval(() => void this.reauthorize(), this.limits.authorizeMilliseconds),
      setInterval(() => void this.refreshTags(), this.limits.authorizeMilliseconds),
    ];
    this.timers.forEach((timer) => timer.unref());
  }

  /** Before the server closes, which waits for open responses. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    this.timers.forEach((timer) => clearInterval(timer));
    this.waiting.forEach((timer) => clearTimeout(timer));
    const closed = [...this.connections].map((connection) => connection.closed);
    for (const { client } of this.connections) client.end('shutdown');
    await Promise.all(closed);
  }

  /**
   * Makes sure that a stream can be opened, while a refusal can still be a problem.
   * @returns the log's id, and the codes that are asked for by their tag
   * @throws SignetError `unavailable` when there are too many streams, or no log to follow; `invalid-request`
   *   when a tag has too many codes
   */
  async admit(workspaceId: string, { tag }: StreamQuery): Promise<{ logId: string; tagged?: TaggedCodes }> {
    if (this.stopping) throw new SignetError('unavailable', { detail: 'Signet is shutting down' });
    if (this.connections.size >= this.limits.subscribers)
      throw new SignetError('unavailable', { detail: 'Too many open streams', retryAfter: 10 });
    const logId = await this.tail.ready();
    return { logId, tagged: tag === undefined ? undefined : await TaggedCodes.find(this.dataSource, workspaceId, tag) };
  }

  /**
   * Tells the clients what has come: at once, or of a topic whose events replace one another, at most every
   * `coalesceMilliseconds`, so that what was replaced meanwhile is sent to nobody.
   */
  private announce(topic: StreamTopic): void {
    if (!this.tail.ring(topic).isCompacted) this.tell(topic);
    else if (!this.waiting.has(topic)) {
      const { coalesceMilliseconds } = this.limits;
      this.waiting.set(topic, setTimeout(() => this.tell(topic), coalesceMilliseconds).unref());
    }
  }

  private tell(topic: StreamTopic): void {
    this.waiting.delete(topic);
    const ring = this.tail.ring(topic);
    const fresh = new FreshEvents(this.told.get(topic) ?? ring.first, ring);
    this.told.set(topic, fresh.to);
    this.connections.forEach(({ client }) => client.pump(topic, fresh));
  }

  /** Streams until the client leaves or is ended. @param logId what `admit` returned */
  open({ request, response, caller, query, logId, tagged }: OpenStream): void {
    const rings = new Map(query.topics.map((topic) => [topic, this.tail.ring(topic)]));
    const cursor = lastEventId(request.raw) ?? query.last_event_id;
    const closed = new Promise<void>((resolve) => response.once('close', () => resolve()));
    const client = new StreamClient({
      response,
      rings,
      logId,
      workspaceId: caller.workspaceId,
      codeId: query.codeId,
      codes: tagged && (() => tagged.codes),
      isWanted: query.types && ((type) => isWanted(query.types ?? [], type)),
      limits: this.limits,
      resumeFrom: cursor === undefined ? undefined : (decodeStreamCursor(logId, cursor) ?? 'unknown'),
      onEnd: (reason) => this.forget(connection, reason),
    });
    const connection = { client, keyId: caller.keyId, request, closed, tagged };
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

  /** Tags change: streams follow within some seconds. */
  private async refreshTags(): Promise<void> {
    for (const { tagged } of this.connections) {
      try {
        await tagged?.refresh();
      } catch (error) {
        this.logger.warn({ err: error }, 'the codes of a tag could not be read; its stream goes on with those it has');
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
  tagged?: TaggedCodes;
}

/** What a browser sends when it connects again. */
function lastEventId({ headers }: IncomingMessage): string | undefined {
  const header = headers['last-event-id'];
  return typeof header === 'string' && header !== '' ? header : undefined;
}
