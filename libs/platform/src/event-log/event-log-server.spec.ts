import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, Injectable, Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern } from '@nestjs/microservices';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { topics, type ScanEvent } from '@signet/contracts';
import { SignetError } from '../errors.js';
import { newId } from '../ids.js';
import { createLogger } from '../logging.js';
import { createMetrics } from '../metrics.js';
import { consumeEvents, type EventBatch } from './event-log-server.js';
import type { LogRecord } from './event-log.js';
import { LmdbEventLog } from './lmdb-event-log.js';

const topic = topics.scans.name;
const logger = createLogger({ service: 'test', instance: 'test', level: 'silent' });

@Injectable()
class Seen {
  batches: EventBatch<ScanEvent>[] = [];
  /** Whether the method reads the events, or passes the batch over. */
  isWanted = true;
  passedOver = 0;
  /** Fails a batch before it is kept. */
  fault: (batch: EventBatch<ScanEvent>) => void = () => undefined;
  get ids(): string[] {
    return this.batches.flatMap(({ events }) => events.map(({ event }) => event.id));
  }
}

@Controller()
class ScansController {
  constructor(private readonly seen: Seen) {}

  @EventPattern(topic)
  async onScans(batch: EventBatch<ScanEvent>): Promise<void> {
    await Promise.resolve();
    if (!this.seen.isWanted) {
      this.seen.passedOver += 1;
      return;
    }
    this.seen.fault(batch);
    // Copied, which reads the events.
    this.seen.batches.push({ ...batch });
  }
}

@Module({ controllers: [ScansController], providers: [Seen] })
class ConsumerModule {}

const scan = (id = newId()): { id: string; value: Buffer } => {
  const event = {
    specversion: '1.0',
    id,
    source: '/signet/redirect/test',
    type: 'scan.recorded',
    time: '2026-01-01T00:00:00.000Z',
    datacontenttype: 'application/json',
    dataschema: 'urn:x',
    sequence: '1',
    data: { outcome: 'redirected', at: '2026-01-01T00:00:00.000Z', bot: false, preview: false },
  };
  return { id, value: Buffer.from(JSON.stringify(event)) };
};

describe('EventLogServer', () => {
  const directory = mkdtempSync(join(tmpdir(), 'signet-server-'));
  let eventLog: LmdbEventLog;
  let app: INestApplication;
  let seen: Seen;
  const deadLetters: LogRecord[] = [];
  const publish = (...values: Buffer[]): Promise<void> =>
    eventLog.publish(
      topic,
      values.map((value) => ({ key: 'k', value })),
    );
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  beforeAll(async () => {
    eventLog = new LmdbEventLog({ directory, logger });
    await eventLog.ensureTopics(Object.values(topics));
    await eventLog.tail({
      topics: [topics.deadLetter.name],
      backlog: 0,
      onBatch: ({ records }) => void deadLetters.push(...records),
    });
    app = await NestFactory.create(ConsumerModule, new FastifyAdapter(), { logger: false });
    consumeEvents(app, { eventLog, group: 'test', logger, metrics: createMetrics('test') });
    await app.startAllMicroservices();
    seen = app.get(Seen);
  });
  afterAll(async () => {
    await app.close();
    await eventLog.close();
    rmSync(directory, { recursive: true, force: true });
  });
  beforeEach(() => {
    seen.batches = [];
    seen.isWanted = true;
    seen.fault = () => undefined;
    deadLetters.length = 0;
  });

  it('hands parsed batches to the method, in order, with offsets that lead from one to the next', async () => {
    const scans = Array.from({ length: 5 }, () => scan());
    await publish(...scans.map(({ value }) => value));
    await until(() => seen.ids.length === 5);
    expect(seen.ids).toEqual(scans.map(({ id }) => id));
    expect(seen.batches[0]).toMatchObject({ topic, partition: expect.any(Number), logId: await eventLog.id() });
    for (const { firstOffset, nextOffset, events } of seen.batches)
      expect(nextOffset - firstOffset).toBe(BigInt(events.length));
  });

  it('puts records that are no events aside, with the reason and the bytes, and goes on', async () => {
    const [before, after] = [scan(), scan()];
    const poison = [Buffer.from('{"id":'), Buffer.from('{"specversion":"1.0"}'), Buffer.from([0xff, 0x00])];
    await publish(before.value, ...poison, after.value);
    await until(() => seen.ids.length === 2 && deadLetters.length === 3);
    expect(seen.ids).toEqual([before.id, after.id]);
    const letters = deadLetters.map(({ value }) => JSON.parse(value.toString()));
    expect(letters.map(({ value }) => Buffer.from(value, 'base64'))).toEqual(poison);
    expect(letters[1]).toMatchObject({ reason: 'unreadable', topic, detail: expect.stringContaining('id') });
    expect(deadLetters[0]?.key).toBe(topic);
  });

  it('parses nothing of a batch whose events nobody reads', async () => {
    seen.isWanted = false;
    await publish(Buffer.from('{"id":'));
    await until(() => seen.passedOver === 1);
    seen.isWanted = true;
    const { id, value } = scan();
    await publish(value);
    await until(() => seen.ids.length === 1);
    expect([seen.ids, deadLetters.length]).toEqual([[id], 0]);
  });

  it('gets a batch again after a failure that may pass, and puts nothing aside', async () => {
    let failures = 0;
    seen.fault = () => {
      if ((failures += 1) <= 2) throw new SignetError('unavailable');
    };
    const { id, value } = scan();
    await publish(value);
    await until(() => seen.ids.length === 1);
    expect([seen.ids, failures, deadLetters.length]).toEqual([[id], 3, 0]);
  });

  it('finds the one record that its consumer cannot take, puts it aside and takes the others once', async () => {
    const scans = Array.from({ length: 20 }, () => scan());
    const bad = scans[13]?.id;
    seen.fault = ({ events }) => {
      if (events.some(({ event }) => event.id === bad)) throw new TypeError('cannot take this');
    };
    await publish(...scans.map(({ value }) => value));
    await until(() => seen.ids.length === 19 && deadLetters.length === 1);
    expect(seen.ids).toEqual(scans.map(({ id }) => id).filter((id) => id !== bad));
    expect(JSON.parse(deadLetters[0]?.value.toString() ?? '')).toMatchObject({
      reason: 'failed',
      detail: 'cannot take this',
    });
  });
});
