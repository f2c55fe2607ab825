import { EventEmitter } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TopicSpec } from '@signet/contracts';
import { SystemClock, type Clock } from '../clock.js';
import { SignetError } from '../errors.js';
import type { Logger } from '../logging.js';
import { deliver, withBackoff } from './delivery.js';
import {
  EventLog,
  type ConsumerOptions,
  type NewRecord,
  type PartitionLag,
  type ReadOptions,
  type RecordBatch,
  type Subscription,
  type TailOptions,
} from './event-log.js';
import { LmdbStore, PARTITION } from './lmdb-store.js';

const TRIM_INTERVAL_MS = 3_600_000;
const DAY_MS = 86_400_000;

interface LmdbEventLogOptions {
  /** Made when absent; one process at a time may have it open. */
  directory: string;
  logger: Logger;
  clock?: Clock;
}

interface Append {
  topic: string;
  records: readonly NewRecord[];
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * The log of the embedded run: everything in one lmdb file of the data directory, one partition a topic. Retention is
 * by age; a compacted topic keeps all its records, which is what compaction may do, too.
 */
export class LmdbEventLog extends EventLog {
  readonly #store: LmdbStore;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #topics: Map<string, TopicSpec>;
  readonly #nextOffsets = new Map<string, number>();
  /** Emits a topic's name when records were appended to it. */
  readonly #appended = new EventEmitter().setMaxListeners(0);
  /** By group and topic: settles when every member that came so far has left. */
  readonly #lines = new Map<string, Promise<unknown>>();
  readonly #subscriptions = new Set<Subscription>();
  readonly #trimTimer: NodeJS.Timeout;
  #queue: Append[] = [];
  #writing: Promise<void> | undefined;
  #closed = false;

  /** @throws Error when another process has the directory open */
  constructor({ directory, logger, clock = new SystemClock() }: LmdbEventLogOptions) {
    super();
    this.#store = new LmdbStore(directory);
    this.#topics = new Map(this.#store.topics().map((spec) => [spec.name, spec]));
    this.#logger = logger;
    this.#clock = clock;
    this.#trimTimer = setInterval(() => void this.#trimQuietly(), TRIM_INTERVAL_MS).unref();
  }

  override id(): Promise<string> {
    return this.#store.id();
  }

  override async ensureTopics(specs: readonly TopicSpec[]): Promise<void> {
    await this.ping();
    await this.#store.putTopics(specs);
    for (const spec of specs) this.#topics.set(spec.name, spec);
  }

  override async publish(topic: string, records: readonly NewRecord[]): Promise<void> {
    await this.ping();
    this.#known(topic);
    if (!records.length) return;
    const appended = new Promise<void>((resolve, reject) => this.#queue.push({ topic, records, resolve, reject }));
    this.#writing ??= this.#drain().finally(() => (this.#writing = undefined));
    await appended;
  }

  override async consume({ group, topics, onBatch }: ConsumerOptions): Promise<Subscription> {
    await this.ping();
    return this.#subscribe(topics, (topic, signal) =>
      this.#inTurn(`${group} ${topic}`, signal, () =>
        this.#follow({
          topic,
          signal,
          start: () => this.#startOf(group, topic),
          take: (batch, nextOffset) => {
            const takeAndCommit = async () => {
              await onBatch(batch);
              await this.#store.commit(group, topic, nextOffset);
            };
            return deliver({ batch, group, onBatch: takeAndCommit, signal, logger: this.#logger });
          },
        }),
      ),
    );
  }

  override async tail({ topics, backlog, onBatch }: TailOptions): Promise<Subscription> {
    await this.ping();
    return this.#subscribe(topics, (topic, signal) => {
      const first = Math.max(this.#store.oldestOffset(topic), this.#store.nextOffset(topic) - backlog);
      const take = async (batch: RecordBatch) => {
        try {
          onBatch(batch);
        } catch (error) {
          this.#logger.error({ err: error, topic }, 'a follower of the log failed; it goes on with the next records');
        }
        return true;
      };
      return this.#follow({ topic, signal, start: () => first, take });
    });
  }

  override async read({ topic, from, to, onBatch }: ReadOptions): Promise<void> {
    await this.ping();
    this.#known(topic);
    let offset = this.#store.offsetAt(topic, from.getTime());
    const end = this.#store.offsetAt(topic, to.getTime());
    while (offset < end) {
      const records = this.#store.read(topic, offset).filter((record) => record.offset < BigInt(end));
      const last = records.at(-1);
      if (!last) return;
      await onBatch({ topic, partition: PARTITION, records });
      offset = Number(last.offset) + 1;
      await nextTurn();
    }
  }

  override async lag(group: string, topics: readonly string[]): Promise<PartitionLag[]> {
    await this.ping();
    return topics.map((topic) => {
      const lag = this.#store.nextOffset(topic) - this.#startOf(group, topic);
      return { topic, partition: PARTITION, lag };
    });
  }

  override async ping(): Promise<void> {
    if (this.#closed) throw new SignetError('unavailable', { detail: 'The event log is closed' });
  }

  override async close(): Promise<void> {
    if (this.#closed) return;
    clearInterval(this.#trimTimer);
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.stop()));
    this.#closed = true;
    await this.#writing;
    await this.#store.close();
  }

  /** Removes the records that are older than their topic keeps them; runs by itself once an hour. */
  async trim(): Promise<void> {
    for (const { name, cleanup, retentionDays } of this.#topics.values()) {
      if (cleanup === 'compact' || retentionDays === undefined) continue;
      const removed = await this.#store.trim(name, this.#clock.now().getTime() - retentionDays * DAY_MS);
      if (removed) this.#logger.info({ topic: name, removed }, 'old events removed');
    }
  }

  async #trimQuietly(): Promise<void> {
    try {
      await this.trim();
    } catch (error) {
      this.#logger.error({ err: error }, 'old events could not be removed; tried again in an hour');
    }
  }

  /**
   * Writes what was published meanwhile as one transaction, again and again, so that many publishers share one flush
   * of the disk. Offsets advance only when their records are there: a failed write leaves no gap.
   */
  async #drain(): Promise<void> {
    while (this.#queue.length) {
      const appends = this.#queue;
      this.#queue = [];
      const next = new Map<string, number>();
      const placed = appends.map(({ topic, records }) => {
        const firstOffset = next.get(topic) ?? this.#nextOffset(topic);
        next.set(topic, firstOffset + records.length);
        return { topic, records, firstOffset };
      });
      try {
        await this.#store.append(placed, this.#clock.now().getTime());
        for (const [topic, offset] of next) this.#nextOffsets.set(topic, offset);
        for (const { resolve } of appends) resolve();
        for (const topic of next.keys()) this.#appended.emit(topic);
      } catch (error) {
        for (const { reject } of appends) reject(error);
      }
    }
  }

  #nextOffset(topic: string): number {
    return this.#nextOffsets.get(topic) ?? this.#store.nextOffset(topic);
  }

  #subscribe(topics: string[], run: (topic: string, signal: AbortSignal) => Promise<void>): Subscription {
    topics.forEach((topic) => this.#known(topic));
    const stopping = new AbortController();
    const running = Promise.all(topics.map((topic) => run(topic, stopping.signal)));
    const subscription: Subscription = {
      stop: async () => {
        stopping.abort();
        await running;
        this.#subscriptions.delete(subscription);
      },
    };
    this.#subscriptions.add(subscription);
    return subscription;
  }

  /** The members of a group share a topic's one partition by turns: each is served when those before it have left. */
  async #inTurn(line: string, signal: AbortSignal, serve: () => Promise<void>): Promise<void> {
    const before = this.#lines.get(line);
    const served = Promise.race([before, aborted(signal)]).then(serve);
    this.#lines.set(line, Promise.all([before, served]));
    await served;
  }

  /** Reads a topic on and on and waits at its end for more, until the signal aborts or `take` says that it stopped. */
  #follow({ topic, signal, start, take }: Following): Promise<void> {
    let offset: number | undefined;
    return withBackoff(signal, async (backoff) => {
      while (!signal.aborted) {
        try {
          offset ??= start();
          const records = this.#store.read(topic, offset);
          const last = records.at(-1);
          if (!last) {
            await this.#appendedTo(topic, signal);
            continue;
          }
          const nextOffset = Number(last.offset) + 1;
          if (!(await take({ topic, partition: PARTITION, records }, nextOffset))) return;
          offset = nextOffset;
          backoff.reset();
          // Lets timers and sockets in between while a backlog is worked off.
          await nextTurn();
        } catch (error) {
          this.#logger.error({ err: error, topic }, 'the event log cannot be read');
          await backoff.sleepAfterFailure();
        }
      }
    });
  }

  #startOf(group: string, topic: string): number {
    return Math.max(this.#store.position(group, topic) ?? 0, this.#store.oldestOffset(topic));
  }

  #known(topic: string): void {
    if (!this.#topics.has(topic)) throw new Error(`The topic ${topic} does not exist; see ensureTopics`);
  }

  /** Resolves at the next append to the topic, or when the signal aborts. */
  #appendedTo(topic: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#appended.off(topic, done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#appended.on(topic, done);
      signal.addEventListener('abort', done);
    });
  }
}

interface Following {
  topic: string;
  signal: AbortSignal;
  /** @returns the offset to begin with */
  start: () => number;
  /** @returns whether to go on */
  take: (batch: RecordBatch, nextOffset: number) => Promise<boolean>;
}

/** Resolves when the signal aborts. */
const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
