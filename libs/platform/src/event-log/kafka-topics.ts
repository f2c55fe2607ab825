import type { TopicSpec } from '@signet/contracts';
import type { Admin, ITopicConfig } from 'kafkajs';

const DAY_MS = 86_400_000;

/** Creates the topics that are missing and adds the partitions that are; what others do at the same time is fine. */
export async function ensureKafkaTopics(
  admin: Admin,
  specs: readonly TopicSpec[],
  replicationFactor: number,
): Promise<void> {
  const existing = new Set(await admin.listTopics());
  const missing = specs.filter(({ name }) => !existing.has(name));
  if (missing.length > 0) {
    await admin.createTopics({ topics: missing.map((spec) => topicConfig(spec, replicationFactor)) });
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
