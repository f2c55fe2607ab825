import { setTimeout as delay } from 'node:timers/promises';
import { STREAM_TOPICS, topics, type StreamTopic } from '@signet/contracts';
import {
  Backoff,
  EventLog,
  Health,
  LOGGER,
  SignetError,
  type Logger,
  type RecordBatch,
  type Subscription,
} from '@signet/platform';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { z } from 'zod';
import { EventRing, type StreamEvent } from './event-ring.js';
import { eventFrame } from './sse.js';
import { StreamLimits } from './stream-limits.js';

/** A group that nobody joins: its lag is how many records a partition holds. */
const NOBODY = 'signet-stream-nobody';

/** What the stream must know of an event; the rest goes through as it is. */
const StreamedSchema = z.object({
  type: z.string().regex(/^[\w.:-]{1,100}$/),
  data: z.object({ workspaceId: z.string().optional(), codeId: z.string().optional() }),
});

const topicOf = new Map<string, StreamTopic>(STREAM_TOPICS.map((topic) => [topics[topic].name, topic]));
const isCompacted = (topic: StreamTopic): boolean => topics[topic].cleanup.includes('compact');

/**
 * The one reader of the log for all stream clients of this process: it keeps each topic's newest events in a ring and
 * says when there are more. It holds no position in the log: after a restart it begins with the newest records again.
 */
@Injectable()
export class LiveTail implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly rings: ReadonlyMap<StreamTopic, EventRing>;
  private readonly listeners = new Set<(topic: StreamTopic) => void>();
  private readonly backoff = new Backoff({ minMilliseconds: 200, maxMilliseconds: 10_000 });
  private readonly stopping = new AbortController();
  /** How many records have come, and how many of the past must have: by topic and partition. */
  private readonly came = new Map<string, number>();
  private past?: ReadonlyMap<string, number>;
  private isWarm = false;
  private beWarm: () => void = () => undefined;
  private readonly warmed = new Promise<void>((resolve) => {
    this.beWarm = () => {
      this.isWarm = true;
      resolve();
    };
  });
  private readonly stopped = new Promise<void>((resolve) => {
    this.stopping.signal.addEventListener('abort', () => resolve());
  });
  private id?: string;
  private running?: Promise<void>;

  constructor(
    private readonly eventLog: EventLog,
    private readonly limits: StreamLimits,
    @Inject(LOGGER) private readonly logger: Logger,
    health: Health,
  ) {
    this.rings = new Map(STREAM_TOPICS.map((topic) => [topic, new EventRing(limits.ring, isCompacted(topic))]));
    health.observe('stream', () => (this.isWarm ? undefined : 'the event log is not followed yet'));
  }

  onApplicationBootstrap(): void {
    this.running = this.run();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    this.backoff.wake();
    await this.running;
  }

  /**
   * Waits until the past has been read: from then on, what comes is new.
   * @returns the log's id
   * @throws SignetError `unavailable` when the log cannot be followed
   */
  async ready(): Promise<string> {
    await Promise.race([this.warmed, delay(this.limits.readyMilliseconds, undefined, { ref: false })]);
    if (!this.isWarm || this.id === undefined)
      throw new SignetError('unavailable', { detail: 'The event log cannot be followed right now' });
    return this.id;
  }

  ring(topic: StreamTopic): EventRing {
    const ring = this.rings.get(topic);
    if (!ring) throw new Error(`${topic} is not followed`);
    return ring;
  }

  /** Calls the listener after every batch of a topic. */
  onEvents(listener: (topic: StreamTopic) => void): void {
    this.listeners.add(listener);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      let subscription: Subscription | undefined;
      try {
        this.id = await this.eventLog.id();
        subscription = await this.follow();
        await this.readPast();
        await this.stopped;
      } catch (error) {
        this.logger.warn({ err: error }, 'the event log cannot be followed; trying again');
        await this.backoff.sleepAfterFailure();
      } finally {
        await subscription?.stop();
      }
    }
  }

  private follow(): Promise<Subscription> {
    return this.eventLog.tail({
      topics: STREAM_TOPICS.map((topic) => topics[topic].name),
      backlog: this.limits.backlog,
      onBatch: (batch) => this.take(batch),
    });
  }

  /** The tail does not say where the past ends, so it is counted; a compacted topic holds fewer than its offsets say. */
  private async readPast(): Promise<void> {
    const names = STREAM_TOPICS.map((topic) => topics[topic].name);
    const lags = (await this.eventLog.lag(NOBODY, names)).filter(({ lag }) => lag > 0);
    this.past = new Map(
      lags.map(({ topic, partition, lag }) => {
        const known = topicOf.get(topic);
        const expected = known && isCompacted(known) ? 1 : Math.min(lag, this.limits.backlog);
        return [`${topic} ${partition}`, expected];
      }),
    );
    this.noticeEndOfPast();
    const longEnough = delay(this.limits.pastMilliseconds, undefined, { ref: false });
    await Promise.race([this.warmed, longEnough, this.stopped]);
    this.beWarm();
  }

  private noticeEndOfPast(): void {
    if (this.isWarm || !this.past) return;
    if ([...this.past].every(([place, expected]) => (this.came.get(place) ?? 0) >= expected)) this.beWarm();
  }

  private take({ topic: name, partition, records }: RecordBatch): void {
    const topic = topicOf.get(name);
    if (!topic) return;
    const ring = this.ring(topic);
    for (const { offset, key, value } of records) {
      if (!ring.advance(partition, Number(offset), { mayHaveHoles: isCompacted(topic) })) continue;
      const event = toStreamEvent(partition, Number(offset), value);
      if (event) ring.append(ring.isCompacted ? { ...event, key } : event);
    }
    this.listeners.forEach((listener) => listener(topic));
    const place = `${name} ${partition}`;
    this.came.set(place, (this.came.get(place) ?? 0) + records.length);
    this.noticeEndOfPast();
  }
}

/** @returns undefined for a record that is no event; it goes to the dead-letter topic elsewhere */
function toStreamEvent(partition: number, offset: number, value: Buffer): StreamEvent | undefined {
  const text = value.toString();
  const parsed = StreamedSchema.safeParse(readJson(text));
  if (!parsed.success) return undefined;
  const { type, data } = parsed.data;
  return { partition, offset, ...data, type, frame: eventFrame(type, text) };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
