import { ConfigResourceTypes, Kafka, logLevel } from 'kafkajs';
import { pino } from 'pino';
import { describeEventLog, newGroup, newTopic, recordsOf, Taken, until } from './event-log.contract.js';
import { KafkaEventLog } from './kafka-event-log.js';

const brokers = (process.env['SIGNET_TEST_KAFKA_BROKERS'] ?? '').split(',').filter((broker) => broker !== '');
const logger = pino({ level: process.env['SIGNET_TEST_LOG'] ?? 'silent' });

const describeWithKafka = brokers.length === 0 ? describe.skip : describe;

describeWithKafka('with the Kafka at SIGNET_TEST_KAFKA_BROKERS', () => {
  const crashes: Error[] = [];
  const newLog = (): KafkaEventLog =>
    new KafkaEventLog({
      brokers,
      clientId: 'signet-test',
      replicationFactor: 1,
      logger,
      onCrash: (error) => void crashes.push(error),
    });

  afterEach(() => {
    expect(crashes).toEqual([]);
  });

  describeEventLog('Kafka', async () => {
    let log = newLog();
    const reopen = async (): Promise<KafkaEventLog> => {
      await log.close();
      return (log = newLog());
    };
    return { log, reopen };
  });

  describe('KafkaEventLog', () => {
    let log: KafkaEventLog;
    beforeEach(() => {
      log = newLog();
    });
    afterEach(() => log.close());

    const kafka = new Kafka({ brokers, clientId: 'signet-test-inspector', logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    beforeAll(() => admin.connect());
    afterAll(() => admin.disconnect());

    it('shares six partitions between two members of a group, and gives all to the one that stays', async () => {
      const topic = newTopic(6);
      await log.ensureTopics([topic]);
      const group = newGroup();
      const [first, second] = [new Taken(), new Taken()];
      const partitionsOf = (taken: Taken, from: number): Set<number> =>
        new Set(taken.batches.slice(from).map(({ partition }) => partition));
      const leaving = await log.consume({ group, topics: [topic.name], onBatch: first.take });
      await log.consume({ group, topics: [topic.name], onBatch: second.take });
      const keys = Array.from({ length: 60 }, (_, index) => `key-${index}`);

      let published = 0;
      const bothServe = async (): Promise<void> => {
        while (partitionsOf(second, 0).size < 3) {
          await log.publish(topic.name, recordsOf(keys, 60, published));
          published += 60;
        }
      };
      await bothServe();
      const shares = [first.batches.length, second.batches.length];
      await log.publish(topic.name, recordsOf(keys, 600, published));
      published += 600;
      const distinct = (): number => new Set([...first.values, ...second.values]).size;
      await until(() => distinct() === published);
      expect(partitionsOf(first, shares[0] ?? 0).size).toBe(3);
      expect(partitionsOf(second, shares[1] ?? 0).size).toBe(3);

      await leaving.stop();
      const alone = second.batches.length;
      await log.publish(topic.name, recordsOf(keys, 600, published));
      published += 600;
      await until(() => distinct() === published);
      expect(partitionsOf(second, alone).size).toBe(6);
    });

    it('makes topics as they are specified, and only ever adds partitions', async () => {
      const topic = { ...newTopic(2), cleanup: 'compact,delete' as const, retentionDays: 30 };
      await log.ensureTopics([topic]);
      const partitionCount = async (): Promise<number | undefined> => {
        const { topics } = await admin.fetchTopicMetadata({ topics: [topic.name] });
        return topics[0]?.partitions.length;
      };
      expect(await partitionCount()).toBe(2);
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: ConfigResourceTypes.TOPIC, name: topic.name }],
      });
      const entries = Object.fromEntries(
        (resources[0]?.configEntries ?? []).map(({ configName, configValue }) => [configName, configValue]),
      );
      expect(entries).toMatchObject({
        'cleanup.policy': expect.stringMatching(/^(compact,delete|delete,compact)$/),
        'retention.ms': String(30 * 86_400_000),
        'message.timestamp.type': 'LogAppendTime',
      });
      await Promise.all([
        log.ensureTopics([{ ...topic, partitions: 4 }]),
        log.ensureTopics([{ ...topic, partitions: 4 }]),
      ]);
      expect(await partitionCount()).toBe(4);
      await log.ensureTopics([topic]);
      expect(await partitionCount()).toBe(4);
    });

    it('keeps a slow member in its group: a handler longer than heartbeats are apart loses nothing', async () => {
      const topic = newTopic(1);
      await log.ensureTopics([topic]);
      await log.publish(topic.name, recordsOf(['a'], 3));
      const taken = new Taken();
      const group = newGroup();
      await log.consume({
        group,
        topics: [topic.name],
        onBatch: async (batch) => {
          await new Promise((resolve) => setTimeout(resolve, 7000));
          await taken.take(batch);
        },
      });
      await taken.reached(3);
      const lag = async (): Promise<number> => (await log.lag(group, [topic.name]))[0]?.lag ?? -1;
      while ((await lag()) > 0);
      expect(taken.values).toEqual(['a:0', 'a:1', 'a:2']);
    });
  });
});

describe('KafkaEventLog without brokers', () => {
  const unreachable = { brokers: ['127.0.0.1:9'], clientId: 'signet-test', replicationFactor: 1, logger };

  it('says that it is unavailable, and lets consumers wait', async () => {
    const log = new KafkaEventLog({
      ...unreachable,
      onCrash: (error) => {
        throw error;
      },
    });
    await expect(log.ping()).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(log.publish('any', recordsOf(['a'], 1))).rejects.toMatchObject({ kind: 'unavailable' });
    const taken = new Taken();
    const subscription = await log.consume({ group: 'any', topics: ['any'], onBatch: taken.take });
    await subscription.stop();
    await log.close();
    expect(taken.batches).toEqual([]);
  });
});
