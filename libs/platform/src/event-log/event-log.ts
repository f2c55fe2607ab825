import type { TopicSpec } from '@signet/contracts';

/** What is appended: `key` decides the partition, so records of one key keep their order. */
export interface NewRecord {
  key: string;
  /** A CloudEvent's bytes in structured mode (docs/adr on the envelope); opaque to the log. */
  value: Buffer;
  headers?: Record<string, string>;
}

export interface LogRecord extends NewRecord {
  topic: string;
  partition: number;
  offset: bigint;
  /** Milliseconds since the epoch at which the log took the record. */
  appendedAt: number;
}

/** Records of one partition in the order of their offsets; never empty. */
export interface RecordBatch {
  topic: string;
  partition: number;
  records: LogRecord[];
}

export interface ConsumerOptions {
  /** Members of one group share the partitions of its topics. */
  group: string;
  topics: string[];
  /**
   * Handles a batch. When it resolves, the batch is committed for the group; when it rejects, or the process dies
   * before the commit, the same records come again, to this member or another.
   */
  onBatch: (batch: RecordBatch) => Promise<void>;
}

export interface TailOptions {
  topics: string[];
  /** How many of the newest records of each partition to start with. */
  backlog: number;
  onBatch: (batch: RecordBatch) => void;
}

export interface ReadOptions {
  topic: string;
  /** By the log's clock; from the first record that it took at this time or later. */
  from: Date;
  /** Up to the first record that it took at this time or later, or the end as it is at the call. */
  to: Date;
  /** A rejection ends the reading. */
  onBatch: (batch: RecordBatch) => Promise<void>;
}

export interface Subscription {
  /** Stops after the batch in hand; resolves when the group was left. */
  stop(): Promise<void>;
}

/** Where a group stands on a partition. */
export interface PartitionLag {
  topic: string;
  partition: number;
  lag: number;
}

/**
 * The durable, partitioned log over which the services talk: Apache Kafka in the distributed run, lmdb in the
 * embedded one. Both pass event-log.contract.ts; nothing outside an adapter knows which one runs.
 */
export abstract class EventLog {
  /** Identifies this log, so that offsets of one are never read as another's. */
  abstract id(): Promise<string>;
  /** Creates what is missing, with partitions and retention; never lowers or deletes. Safe to call from many. */
  abstract ensureTopics(specs: readonly TopicSpec[]): Promise<void>;
  /**
   * Appends in order. Resolves when every record is durable (Kafka: `acks=all`). When it rejects, some of the records
   * may be in the log: publish again, with the same event ids, and let consumers drop the twins.
   */
  abstract publish(topic: string, records: readonly NewRecord[]): Promise<void>;
  /** Joins a group. A new group starts at the oldest record. */
  abstract consume(options: ConsumerOptions): Promise<Subscription>;
  /** Follows topics without a group and without commits: the newest `backlog` records, then whatever comes. */
  abstract tail(options: TailOptions): Promise<Subscription>;
  /** Reads what the log took between two times, and still has. Resolves when all of it was handed over. */
  abstract read(options: ReadOptions): Promise<void>;
  abstract lag(group: string, topics: readonly string[]): Promise<PartitionLag[]>;
  /** Rejects with the reason while the log cannot be used. */
  abstract ping(): Promise<void>;
  abstract close(): Promise<void>;
}
