import { promisify } from 'node:util';
import { gunzip, gzipSync } from 'node:zlib';
import kafkajs, { CompressionTypes, Partitioners, type ICustomPartitioner, type Kafka, type Producer } from 'kafkajs';
import { answered, retire } from './kafka-client.js';
import type { NewRecord } from './event-log.js';

const PUBLISH_TIMEOUT_MS = 10_000;
/** A partition's records of one request are one Kafka batch, which brokers take up to 1 MiB by default. */
const MAX_SEND_BYTES = 768 * 1024;
/** What a record may cost beside its key and value. */
const RECORD_OVERHEAD_BYTES = 128;

/** Of keys whose partition is remembered. */
const REMEMBERED_KEYS = 10_000;

const decompress = promisify(gunzip);
// Events of one kind repeat so much of each other that the fastest level makes them as small as the usual one, in a third
// of the time. Of the size that a partition's part of a publish has, the way to the thread pool and back costs as much
// again as compressing it here.
kafkajs.CompressionCodecs[CompressionTypes.GZIP] = () => ({
  compress: async ({ buffer }: { buffer: Buffer }) => gzipSync(buffer, { level: 1 }),
  decompress: (buffer: Buffer) => decompress(buffer),
});

/** As Kafka's own clients choose, so that all of a key's records are in one partition; kafkajs takes 7 µs to hash a key. */
const rememberingPartitioner: ICustomPartitioner = () => {
  const choose = Partitioners.DefaultPartitioner();
  const chosen = new Map<string, number>();
  return (args) => {
    const { key } = args.message;
    if (typeof key !== 'string') return choose(args);
    const name = `${args.partitionMetadata.length} ${key}`;
    const known = chosen.get(name);
    if (known !== undefined) return known;
    if (chosen.size >= REMEMBERED_KEYS) chosen.clear();
    const partition = choose(args);
    chosen.set(name, partition);
    return partition;
  };
};

/** Publishes through one producer at a time; after a failure the next publish gets a fresh one. */
export class KafkaPublisher {
  #producer: Promise<Producer> | undefined;

  constructor(private readonly kafka: Kafka) {}

  /** @throws SignetError `unavailable` after about 10 s without the brokers' word that the records are safe */
  async publish(topic: string, records: readonly NewRecord[]): Promise<void> {
    this.#producer ??= this.#connect();
    const producer = this.#producer;
    const timeout = AbortSignal.timeout(PUBLISH_TIMEOUT_MS);
    const sending = send({ producer, topic, records, timeout });
    try {
      await answered(sending, timeout);
    } catch (error) {
      // This producer may still hold the records and send them late; it gets nothing else to mix them with.
      if (this.#producer === producer) this.#producer = undefined;
      void retire(producer, sending);
      throw error;
    }
  }

  async close(): Promise<void> {
    const producer = this.#producer;
    this.#producer = undefined;
    if (producer) await retire(producer, Promise.resolve());
  }

  async #connect(): Promise<Producer> {
    const producer = this.kafka.producer({
      allowAutoTopicCreation: false,
      maxInFlightRequests: 1,
      createPartitioner: rememberingPartitioner,
    });
    await producer.connect();
    return producer;
  }
}

interface Sending {
  producer: Promise<Producer>;
  topic: string;
  records: readonly NewRecord[];
  timeout: AbortSignal;
}

async function send({ producer, topic, records, timeout }: Sending): Promise<void> {
  const connected = await producer;
  for (const some of inSends(records)) {
    if (timeout.aborted) return;
    await connected.send({
      topic,
      acks: -1,
      timeout: PUBLISH_TIMEOUT_MS,
      compression: CompressionTypes.GZIP,
      messages: some.map(({ key, value, headers }) => ({ key, value, headers })),
    });
  }
}

/** Parts of at most a request's size, in order. */
function* inSends(records: readonly NewRecord[]): Generator<NewRecord[]> {
  let part: NewRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    const size = record.value.length + record.key.length + RECORD_OVERHEAD_BYTES;
    if (part.length > 0 && bytes + size > MAX_SEND_BYTES) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(record);
    bytes += size;
  }
  if (part.length > 0) yield part;
}
