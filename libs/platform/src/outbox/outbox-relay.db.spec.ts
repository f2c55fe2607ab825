import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodeEventSchema, topics, type SignetEvent } from '@signet/contracts';
import type { DataSource } from 'typeorm';
import { createDataSource } from '../database/database.js';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../database/embedded-postgres.js';
import { runMigrations } from '../database/migrations.js';
import { platformMigrations } from '../database/platform.migrations.js';
import { SignetError } from '../errors.js';
import type { NewRecord } from '../event-log/event-log.js';
import { LmdbEventLog } from '../event-log/lmdb-event-log.js';
import { createLogger } from '../logging.js';
import { createMetrics } from '../metrics.js';
import { appendToOutbox } from './outbox.js';
import { OutboxRelay } from './outbox-relay.js';
import { readOutboxBacklog } from './outbox.sql.js';

const logger = createLogger({ service: 'test', instance: 'test', level: 'silent' });
const topic = topics.enrollments.name;

/** An lmdb log that can be away, or take the records and lose the answer. */
class UnreliableLog extends LmdbEventLog {
  mode: 'works' | 'away' | 'loses-the-answer' = 'works';
  override async publish(name: string, records: readonly NewRecord[]): Promise<void> {
    if (this.mode === 'away') throw new SignetError('unavailable');
    await super.publish(name, records);
    if (this.mode === 'loses-the-answer') throw new SignetError('unavailable');
  }
}

describe('OutboxRelay', () => {
  const directory = mkdtempSync(join(tmpdir(), 'signet-outbox-'));
  let server: EmbeddedPostgres;
  let dataSource: DataSource;
  let eventLog: UnreliableLog;
  let relay: OutboxRelay;
  const metrics = createMetrics('test');
  const seen: SignetEvent[] = [];

  const append = (...names: string[]): Promise<void> =>
    dataSource.transaction((manager) =>
      appendToOutbox(
        manager,
        names.map((name) => ({ topic, key: 'subject', type: 'enrollment.created', data: { name }, at: new Date() })),
      ),
    );
  const names = (): unknown[] => seen.map(({ data }) => data).map((data) => JSON.stringify(data));
  const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
  };

  beforeAll(async () => {
    server = await startEmbeddedPostgres(join(directory, 'postgres'));
    dataSource = await createDataSource({
      address: { socketDirectory: server.socketDirectory },
      migrations: platformMigrations,
      applicationName: 'test',
    }).initialize();
    await runMigrations(dataSource);
    eventLog = new UnreliableLog({ directory: join(directory, 'events'), logger });
    await eventLog.ensureTopics(Object.values(topics));
    await eventLog.tail({
      topics: [topic],
      backlog: 0,
      onBatch: ({ records }) => void seen.push(...records.map(({ value }) => JSON.parse(value.toString()))),
    });
    relay = new OutboxRelay(dataSource, eventLog, metrics, logger);
    relay.start();
  });
  afterAll(async () => {
    await relay.stop();
    await eventLog.close();
    await dataSource.destroy();
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('publishes what was committed, in order, numbered without gaps, and nothing of what was rolled back', async () => {
    await append('a', 'b');
    await expect(
      dataSource.transaction(async (manager) => {
        await appendToOutbox(manager, [
          { topic, key: 'k', type: 'enrollment.created', data: { name: 'never' }, at: new Date() },
        ]);
        throw new Error('rolled back');
      }),
    ).rejects.toThrow('rolled back');
    await append('c');
    relay.wake();
    await until(() => seen.length >= 3);
    expect(names()).toEqual(['{"name":"a"}', '{"name":"b"}', '{"name":"c"}']);
    expect(seen.map(({ sequence }) => sequence)).toEqual(['1', '2', '3']);
    expect(seen[0]).toMatchObject({
      specversion: '1.0',
      subject: 'subject',
      dataschema: 'urn:signet:event:enrollment.created:v1',
    });
    await until(async () => (await readOutboxBacklog(dataSource.manager)).rows === 0);
  });

  it('keeps rows while the log is away and publishes them when it is back', async () => {
    eventLog.mode = 'away';
    await append('d');
    relay.wake();
    await until(async () => (await readOutboxBacklog(dataSource.manager)).rows === 1);
    expect(await metrics.getSingleMetricAsString('signet_outbox_rows')).toMatch(/ 1$/m);
    eventLog.mode = 'works';
    await until(() => seen.length >= 4);
    expect(names().at(-1)).toBe('{"name":"d"}');
  });

  it('publishes the same id, bytes and sequence again when an answer was lost', async () => {
    eventLog.mode = 'loses-the-answer';
    await append('e');
    relay.wake();
    await until(() => seen.length >= 5);
    await append('f');
    eventLog.mode = 'works';
    await until(() => names().at(-1) === '{"name":"f"}');
    const twins = seen.filter(({ data }) => JSON.stringify(data) === '{"name":"e"}');
    expect(twins.length).toBeGreaterThan(1);
    expect(new Set(twins.map((event) => JSON.stringify(event))).size).toBe(1);
    expect(Number(seen.at(-1)?.sequence)).toBe(Number(twins[0]?.sequence) + 1);
  });

  it('writes events that the topic’s schema takes', () => {
    const { data: _data, ...envelope } = seen[0] ?? {};
    expect(CodeEventSchema.omit({ data: true, type: true }).safeParse(envelope).success).toBe(true);
  });
});
