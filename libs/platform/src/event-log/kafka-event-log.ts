import type { TopicSpec } from '@signet/contracts';
import { Kafka, logLevel } from 'kafkajs';
import { newId } from '../ids.js';
import type { Logger } from '../logging.js';
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
import { askAdmin, RETRY } from './kafka-client.js';
import { batchesOf, handleFetched, nextOffset } from './kafka-consumer.js';
import { kafkaLogCreator } from './kafka-logging.js';
import { KafkaPublisher } from './kafka-publisher.js';
import { KafkaSubscription, type KafkaSubscriptionOptions } from './kafka-subscription.js';
import { ensureKafkaTopics } from './kafka-topics.js';

const PING_TIMEOUT_MS = 2000;
/**
 * A consumer outlives an outage as the member that it was; a new one would have to wait for its group until the old
 * one's session has ended. What kafkajs gives up, KafkaSubscription begins anew.
 */
const PATIENT_RETRY = {
  ...RETRY,
  retries: Number.MAX_SAFE_INTEGER,
  restartOnFailure: (): Promise<boolean> => Promise.resolve(false),
};
const CONSUMER = {
  // How long the partitions of a member that was killed rest; long batches are no reason, their heartbeats go on.
  sessionTimeout: 10_000,
  rebalanceTimeout: 60_000,
  heartbeatInterval: 3000,
  maxWaitTimeInMs: 250,
  minBytes: 65_536,
  maxBytesPerPartition: 2_097_152,
  readUncommitted: false,
  retry: PATIENT_RETRY,
};
/** Who follows wants each record when it comes, not a worthwhile number of them. */
const AT_ONCE = { minBytes: 1 };
const PARTITIONS_AT_ONCE = 3;

interface KafkaEventLogOptions {
  /** `host:port` of some brokers; the others are found through them. */
  brokers: string[];
  clientId: string;
  /** Of the topics that this process creates: 1 on a single broker, else 3. */
  replicationFactor: number;
  logger: Logger;
  /** A consumer met a failure that does not pass: end the process, so that its supervisor starts it again. */
  onCrash: (error: Error) => void;
}

interface Position {
  topic: string;
  partition: number;
  offset: string;
}

/** The log of the distributed run. Outages of the brokers end publishes, but no subscription: those go on after it. */
export class KafkaEventLog extends EventLog {
  readonly #options: KafkaEventLogOptions;
  readonly #kafka: Kafka;
  /** For consumers, which wait for the brokers as long as it takes. */
  readonly #patientKafka: Kafka;
  readonly #publisher: KafkaPublisher;
  readonly #subscriptions = new Set<Subscription>();
  #id: string | undefined;

  constructor(options: KafkaEventLogOptions) {
    super();
    this.#options = options;
    const config = {
      brokers: options.brokers,
      clientId: options.clientId,
      connectionTimeout: 3000,
      requestTimeout: 10_000,
      logLevel: logLevel.INFO,
      logCreator: kafkaLogCreator(options.logger),
    };
    this.#kafka = new Kafka({ ...config, retry: RETRY });
    this.#patientKafka = new Kafka({ ...config, retry: PATIENT_RETRY });
    this.#publisher = new KafkaPublisher(this.#kafka);
  }

  override async id(): Promise<string> {
    this.#id ??= (await askAdmin(this.#kafka, (admin) => admin.describeCluster())).clusterId;
    return this.#id;
  }

  override ensureTopics(specs: readonly TopicSpec[]): Promise<void> {
    return askAdmin(this.#kafka, (admin) => ensureKafkaTopics(admin, specs, this.#options.replicationFactor));
  }

  /** @throws SignetError `unavailable` after about 10 s without the brokers' word that the records are safe */
  override async publish(topic: string, records: readonly NewRecord[]): Promise<void> {
    if (records.length > 0) await this.#publisher.publish(topic, records);
  }

  /** While the brokers are away it resolves all the same, and joins the group when they are back. */
  override consume({ group, topics, onBatch }: ConsumerOptions): Promise<Subscription> {
    const { logger } = this.#options;
    return this.#subscribe({
      createConsumer: () => this.#patientKafka.consumer({ groupId: group, ...CONSUMER }),
      run: async (consumer, { signal, track }) => {
        await consumer.subscribe({ topics, fromBeginning: true });
        await consumer.run({
          autoCommit: false,
          eachBatchAutoResolve: false,
          partitionsConsumedConcurrently: PARTITIONS_AT_ONCE,
          eachBatch: (payload) =>
            handleFetched(payload, { group, onBatch: (batch) => track(onBatch(batch)), signal, logger }),
        });
      },
    });
  }

  override tail({ topics, backlog, onBatch }: TailOptions): Promise<Subscription> {
    const positions = new Map<string, Position>();
    const take = (batch: RecordBatch): void => {
      const { topic, partition } = batch;
      positions.set(positionKey(batch), { topic, partition, offset: String(nextOffset(batch)) });
      try {
        onBatch(batch);
      } catch (error) {
        this.#options.logger.error(
          { err: error, topic },
          'a follower of the log failed; it goes on with the next records',
        );
      }
    };
    return this.#subscribe({
      createConsumer: () => {
        // kafkajs reads only as a member of a group. This one is alone in its own and commits nothing, so that the
        // brokers forget it some minutes after it left.
        const groupId = `${this.#options.clientId}-tail-${newId()}`;
        return this.#patientKafka.consumer({ groupId, ...CONSUMER, ...AT_ONCE });
      },
      run: async (consumer) => {
        for (const start of await this.#tailStarts(topics, backlog)) {
          if (!positions.has(positionKey(start))) positions.set(positionKey(start), start);
        }
        await consumer.subscribe({ topics, fromBeginning: true });
        // At every join, since a consumer forgets where it was whenever its group rebalances.
        consumer.on(consumer.events.GROUP_JOIN, () => positions.forEach((position) => consumer.seek(position)));
        await consumer.run({
          autoCommit: false,
          eachBatch: async ({ batch }) => {
            for (const records of batchesOf(batch)) take(records);
          },
        });
      },
    });
  }

  override async read({ topic, from, to, onBatch }: ReadOptions): Promise<void> {
    const spans = await askAdmin(this.#kafka, async (admin) => {
      const starts = await admin.fetchTopicOffsetsByTimestamp(topic, from.getTime());
      const ends = await admin.fetchTopicOffsetsByTimestamp(topic, to.getTime());
      return starts.map(({ partition, offset }) => {
        const end = BigInt(ends.find((entry) => entry.partition === partition)?.offset ?? offset);
        return { topic, partition, offset, end };
      });
    });
    const left = new Map(spans.filter(({ offset, end }) => BigInt(offset) < end).map((span) => [span.partition, span]));
    if (left.size === 0) return;
    let resolve: () => void = () => {};
    let reject: (error: unknown) => void = () => {};
    const finished = new Promise<void>((...ends) => ([resolve, reject] = ends));
    const take = async (batch: RecordBatch): Promise<void> => {
      const span = left.get(batch.partition);
      if (!span) return;
      const records = batch.records.filter(({ offset }) => offset >= BigInt(span.offset) && offset < span.end);
      if (records.length > 0) await onBatch({ ...batch, records });
      span.offset = String(nextOffset(batch));
      if (nextOffset(batch) >= span.end) left.delete(batch.partition);
      if (left.size === 0) resolve();
    };
    const subscription = await this.#subscribe({
      createConsumer: () =>
        this.#patientKafka.consumer({ groupId: `${this.#options.clientId}-read-${newId()}`, ...CONSUMER }),
      run: async (consumer) => {
        await consumer.subscribe({ topics: [topic], fromBeginning: true });
        consumer.on(consumer.events.GROUP_JOIN, () => left.forEach((span) => consumer.seek(span)));
        await consumer.run({
          autoCommit: false,
          eachBatch: async ({ batch }) => {
            try {
              for (const records of batchesOf(batch)) await take(records);
            } catch (error) {
              reject(error);
            }
          },
        });
      },
    });
    try {
      await finished;
    } finally {
      await subscription.stop();
    }
  }

  override lag(group: string, topics: readonly string[]): Promise<PartitionLag[]> {
    return askAdmin(this.#kafka, async (admin) => {
      const committed = await admin.fetchOffsets({ groupId: group, topics: [...topics] });
      const lags: PartitionLag[] = [];
      for (const topic of topics) {
        const positions = committed.find((entry) => entry.topic === topic)?.partitions ?? [];
        for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
          // -1 for a partition of which the group has committed nothing
          const position = Number(positions.find((entry) => entry.partition === partition)?.offset ?? -1);
          lags.push({ topic, partition, lag: Number(high) - Math.max(position, Number(low)) });
        }
      }
      return lags;
    });
  }

  override async ping(): Promise<void> {
    await askAdmin(this.#kafka, (admin) => admin.describeCluster(), PING_TIMEOUT_MS);
  }

  override async close(): Promise<void> {
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.stop()));
    await this.#publisher.close();
  }

  async #subscribe(options: Pick<KafkaSubscriptionOptions, 'createConsumer' | 'run'>): Promise<Subscription> {
    const { logger, onCrash } = this.#options;
    const running = new KafkaSubscription({ ...options, ping: () => this.ping(), logger, onCrash });
    const subscription: Subscription = {
      stop: async () => {
        await running.stop();
        this.#subscriptions.delete(subscription);
      },
    };
    this.#subscriptions.add(subscription);
    await running.tried;
    return subscription;
  }

  #tailStarts(topics: readonly string[], backlog: number): Promise<Position[]> {
    return askAdmin(this.#kafka, async (admin) => {
      const starts: Position[] = [];
      for (const topic of topics) {
        for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
          starts.push({ topic, partition, offset: String(Math.max(Number(low), Number(high) - backlog)) });
        }
      }
      return starts;
    });
  }
}

const positionKey = ({ topic, partition }: Pick<Position, 'topic' | 'partition'>): string => `${topic} ${partition}`;
