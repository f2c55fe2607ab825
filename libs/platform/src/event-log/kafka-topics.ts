import { setTimeout as sleep } from 'node:timers/promises';
import type { TopicSpec } from '@signet/contracts';
import type { Admin, ITopicConfig } from 'kafkajs';
import { SignetError } from '../errors.js';
import { passes } from './kafka-client.js';

const DAY_MS = 86_400_000;
const MOST_QUESTIONS = 50;
const QUESTION_PAUSE_MS = 100;

/** Creates the topics that are missing and adds the partitions that are; what others do at the same time is fine. */
export async function ensureKafkaTopics(
  admin: Admin,
  specs: readonly TopicSpec[],
  replicationFactor: number,
): Promise<void> {
  const existing = new Set(await admin.listTopics());
  const missing = specs.filter(({ name }) => !existing.has(name));
  if (missing.length > 0) {
    // kafkajs' own wait for leaders takes a topic that a broker has not heard of yet for a failure.
    await admin.createTopics({
      topics: missing.map((spec) => topicConfig(spec, replicationFactor)),
      waitForLeaders: false,
    });
    await untilLed(admin, missing);
  }
  const present = specs.filter(({ name }) => existing.has(name));
  const small = await withTooFewPartitions(admin, present);
  if (small.length === 0) return;
  try {
    await admin.createPartitions({
      topicPartitions: small.map(({ name, partitions }) => ({ topic: name, count: partitions })),
    });
  } catch (error) {
    // Another process may have added them first.
    if ((await withTooFewPartitions(admin, present)).length > 0) throw error;
  }
}

/**
 * Resolves when every partition of the topics has a leader that knows it is: a broker may name one in its metadata that
 * has not taken over yet. @throws what the last question was answered with
 */
async function untilLed(admin: Admin, specs: readonly TopicSpec[]): Promise<void> {
  for (let questions = 1; ; questions += 1) {
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: specs.map(({ name }) => name) });
      const isLed = ({ partitions }: (typeof topics)[number]): boolean =>
        partitions.length > 0 && partitions.every(({ leader }) => leader >= 0);
      if (topics.length === specs.length && topics.every(isLed)) {
        // Offsets are the leaders' to tell.
        await Promise.all(specs.map(({ name }) => admin.fetchTopicOffsets(name)));
        return;
      }
    } catch (error) {
      if (questions >= MOST_QUESTIONS || !passes(error)) throw error;
    }
    if (questions >= MOST_QUESTIONS)
      throw new SignetError('unavailable', { detail: 'Kafka has new topics without leaders' });
    await sleep(QUESTION_PAUSE_MS);
  }
}

async function withTooFewPartitions(admin: Admin, specs: readonly TopicSpec[]): Promise<TopicSpec[]> {
  if (specs.length === 0) return [];
  const { topics } = await admin.fetchTopicMetadata({ topics: specs.map(({ name }) => name) });
  const counts = new Map(topics.map((topic) => [topic.name, topic.partitions.length]));
  return specs.filter(({ name, partitions }) => (counts.get(name) ?? partitions) < partitions);
}

function topicConfig({ name, partitions, cleanup, retentionDays }: TopicSpec, replicationFactor: number): ITopicConfig {
  const entries = {
    'cleanup.policy': cleanup,
    'retention.ms': String(retentionDays === undefined ? -1 : retentionDays * DAY_MS),
    'message.timestamp.type': 'LogAppendTime',
    // With three replicas an acknowledged record is on two disks, and one broker may be away.
    'min.insync.replicas': String(Math.max(1, replicationFactor - 1)),
  };
  return {
    topic: name,
    numPartitions: partitions,
    replicationFactor,
    configEntries: Object.entries(entries).map(([entry, value]) => ({ name: entry, value })),
  };
}
