import { dataSchemaUrn, type SignetEvent } from '@signet/contracts';
import type { DataSource, EntityManager } from 'typeorm';
import { BackgroundLoop } from '../background-loop.js';
import type { EventLog, NewRecord } from '../event-log/event-log.js';
import type { Logger } from '../logging.js';
import { observedGauge, type Registry } from '../metrics.js';
import {
  readCommittedRows,
  readNextSequence,
  readOutboxBacklog,
  removePublishedRows,
  tryLockRelay,
  type OutboxRow,
} from './outbox.sql.js';

const BATCH = 500;
const IDLE_MILLISECONDS = 200;
/** Each move is eight statements and each batch a transaction of every consumer, however few rows there are. */
const REST_MILLISECONDS = 50;
/** The relay numbers what it publishes, so it is the CloudEvents source of these events. */
export const OUTBOX_SOURCE = '/signet/outbox/relay';

/**
 * Moves rows from the outbox to the event log, in commit order, at least once: a crash between publishing and deleting
 * publishes the same ids, bytes and sequence numbers again.
 */
export class OutboxRelay {
  private readonly loop: BackgroundLoop;

  constructor(
    private readonly dataSource: DataSource,
    private readonly eventLog: EventLog,
    private readonly metrics: Registry,
    logger: Logger,
  ) {
    this.loop = new BackgroundLoop({
      failure: 'the outbox could not be published',
      step: async () => (await this.dataSource.transaction((manager) => this.move(manager))) === BATCH,
      idleMilliseconds: IDLE_MILLISECONDS,
      restMilliseconds: REST_MILLISECONDS,
      logger,
    });
  }

  start(): void {
    const backlog = () => readOutboxBacklog(this.dataSource.manager);
    observedGauge(
      this.metrics,
      'signet_outbox_rows',
      'Events that wait for the log',
      async () => (await backlog()).rows,
    );
    observedGauge(
      this.metrics,
      'signet_outbox_oldest_age_seconds',
      'How long the oldest of them has been waiting',
      async () => (await backlog()).ageSeconds,
    );
    this.loop.start();
  }

  stop(): Promise<void> {
    return this.loop.stop();
  }

  /** Nest calls it, so that the loop ends before the stores are closed. */
  onApplicationShutdown(): Promise<void> {
    return this.stop();
  }

  /** After a commit: publish without waiting for the next look. */
  wake(): void {
    this.loop.wake();
  }

  private async move(manager: EntityManager): Promise<number> {
    if (!(await tryLockRelay(manager))) return 0;
    const rows = await readCommittedRows(manager, BATCH);
    if (rows.length === 0) return 0;
    const first = await readNextSequence(manager);
    for (const [topic, records] of recordsByTopic(rows, first)) await this.eventLog.publish(topic, records);
    await removePublishedRows(
      manager,
      rows.map((row) => row.id),
    );
    return rows.length;
  }
}

function recordsByTopic(rows: readonly OutboxRow[], firstSequence: bigint): Map<string, NewRecord[]> {
  const topics = new Map<string, NewRecord[]>();
  for (const [index, row] of rows.entries()) {
    const records = topics.get(row.aggregatetype) ?? [];
    records.push({
      key: row.aggregateid,
      value: Buffer.from(JSON.stringify(toEvent(row, firstSequence + BigInt(index)))),
    });
    topics.set(row.aggregatetype, records);
  }
  return topics;
}

function toEvent(row: OutboxRow, sequence: bigint): SignetEvent {
  return {
    specversion: '1.0',
    id: row.id,
    source: OUTBOX_SOURCE,
    type: row.type,
    subject: row.aggregateid,
    time: row.timestamp.toISOString(),
    datacontenttype: 'application/json',
    dataschema: dataSchemaUrn(row.type),
    sequence: sequence.toString(),
    data: row.payload,
  };
}
