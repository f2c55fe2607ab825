import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { ManualClock } from '../clock.js';
import { describeEventLog, newGroup, newTopic, recordsOf, Taken } from './event-log.contract.js';
import { LmdbEventLog } from './lmdb-event-log.js';

const logger = pino({ level: 'silent' });
const DAY_MS = 86_400_000;
const directories: string[] = [];

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'signet-event-log-'));
  directories.push(directory);
  return directory;
}

afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

describeEventLog('lmdb', async () => {
  const directory = newDirectory();
  let log = new LmdbEventLog({ directory, logger });
  const reopen = async (): Promise<LmdbEventLog> => {
    await log.close();
    return (log = new LmdbEventLog({ directory, logger }));
  };
  return { log, reopen };
});

describe('LmdbEventLog', () => {
  const topic = newTopic();

  it('numbers the records of a topic from 0 without gaps, whoever publishes at the same time', async () => {
    const log = new LmdbEventLog({ directory: newDirectory(), logger });
    await log.ensureTopics([topic]);
    await Promise.all(Array.from({ length: 200 }, (_, from) => log.publish(topic.name, recordsOf(['a'], 7, from * 7))));
    const taken = new Taken();
    await log.consume({ group: newGroup(), topics: [topic.name], onBatch: taken.take });
    await taken.reached(1400);
    expect(taken.records.map(({ offset }) => Number(offset))).toEqual(
      Array.from({ length: 1400 }, (_, index) => index),
    );
    expect(taken.values).toEqual(recordsOf(['a'], 1400).map(({ value }) => value.toString()));
    await log.close();
  });

  it('gives no batch of more than 4 MB', async () => {
    const log = new LmdbEventLog({ directory: newDirectory(), logger });
    await log.ensureTopics([topic]);
    const value = Buffer.alloc(1024 * 1024 - 100);
    await log.publish(
      topic.name,
      Array.from({ length: 10 }, () => ({ key: 'a', value })),
    );
    const taken = new Taken();
    await log.consume({ group: newGroup(), topics: [topic.name], onBatch: taken.take });
    await taken.reached(10);
    expect(taken.batches.map(({ records }) => records.length)).toEqual([4, 4, 2]);
    await log.close();
  });

  it('hands a topic to the second member of a group when the first has stopped, and not before', async () => {
    const log = new LmdbEventLog({ directory: newDirectory(), logger });
    await log.ensureTopics([topic]);
    const group = newGroup();
    const [first, second] = [new Taken(), new Taken()];
    const member = await log.consume({ group, topics: [topic.name], onBatch: first.take });
    await log.consume({ group, topics: [topic.name], onBatch: second.take });
    await log.publish(topic.name, recordsOf(['a'], 1));
    await first.reached(1);
    await member.stop();
    await log.publish(topic.name, recordsOf(['a'], 1, 1));
    await second.reached(1);
    expect([first.values, second.values]).toEqual([['a:0'], ['a:1']]);
    await log.close();
  });

  it('removes what is older than its topic keeps, but keeps the newest and compacted topics', async () => {
    const directory = newDirectory();
    const clock = new ManualClock(new Date('2026-11-24T12:00:00Z'));
    const compacted = { ...newTopic(), cleanup: 'compact' as const };
    let log = new LmdbEventLog({ directory, logger, clock });
    await log.ensureTopics([topic, compacted]);
    await log.publish(topic.name, recordsOf(['old'], 2500));
    await log.publish(compacted.name, recordsOf(['old'], 2));
    clock.advance(DAY_MS);
    await log.publish(topic.name, recordsOf(['new'], 1));
    clock.advance(1);
    await log.trim();
    const group = newGroup();
    expect(await log.lag(group, [topic.name, compacted.name])).toMatchObject([{ lag: 1 }, { lag: 2 }]);

    clock.advance(10 * DAY_MS);
    await log.trim();
    await log.close();
    log = new LmdbEventLog({ directory, logger, clock });
    await log.publish(topic.name, recordsOf(['newer'], 1));
    const taken = new Taken();
    await log.consume({ group, topics: [topic.name], onBatch: taken.take });
    await taken.reached(2);
    expect(taken.records.map(({ key, offset }) => [key, offset])).toEqual([
      ['new', 2500n],
      ['newer', 2501n],
    ]);
    await log.close();
  });

  it('refuses a topic that nobody made', async () => {
    const log = new LmdbEventLog({ directory: newDirectory(), logger });
    await expect(log.publish('unheard.of', recordsOf(['a'], 1))).rejects.toThrow('unheard.of does not exist');
    await expect(
      log.consume({ group: newGroup(), topics: ['unheard.of'], onBatch: () => Promise.resolve() }),
    ).rejects.toThrow('unheard.of does not exist');
    await log.close();
  });

  it('says after its end that it cannot be used', async () => {
    const log = new LmdbEventLog({ directory: newDirectory(), logger });
    await log.ensureTopics([topic]);
    await log.close();
    await log.close();
    await expect(log.ping()).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(log.publish(topic.name, recordsOf(['a'], 1))).rejects.toMatchObject({ kind: 'unavailable' });
  });

  it('is not opened twice, by this process or by another', async () => {
    const directory = newDirectory();
    const log = new LmdbEventLog({ directory, logger });
    expect(() => new LmdbEventLog({ directory, logger })).toThrow(`process ${process.pid}`);
    await log.ensureTopics([topic]);
    await log.publish(topic.name, recordsOf(['a'], 2000));
    const opener = startWriter(directory);
    const [message] = await once(opener, 'message');
    expect(message).toEqual({ refused: expect.stringContaining(`process ${process.pid}`) });
    await once(opener, 'exit');

    await log.close();
    const next = startWriter(directory);
    await once(next, 'message');
    expect(() => new LmdbEventLog({ directory, logger })).toThrow(`process ${next.pid}`);
    next.kill('SIGKILL');
    await once(next, 'exit');
    await new LmdbEventLog({ directory, logger }).close();
  });

  it('has every acknowledged record after a kill -9 in the middle of publishing', async () => {
    const directory = newDirectory();
    for (let round = 0, firstKey = 0; round < 3; round++) {
      const writer = startWriter(directory, firstKey);
      let acknowledged = firstKey;
      await new Promise<void>((resolve) => {
        writer.on('message', (message: { acknowledged: number }) => {
          acknowledged = message.acknowledged;
          if (acknowledged >= firstKey + 2000) resolve();
        });
      });
      writer.kill('SIGKILL');
      await once(writer, 'exit');
      const log = new LmdbEventLog({ directory, logger });
      const taken = new Taken();
      await log.consume({ group: newGroup(), topics: [WRITER_TOPIC], onBatch: taken.take });
      await taken.reached(acknowledged);
      await log.close();
      const keys = taken.records.map(({ key }) => Number(key));
      expect(taken.records.map(({ offset }) => Number(offset))).toEqual(keys.map((_, index) => index));
      expect(keys.slice(0, acknowledged)).toEqual(Array.from({ length: acknowledged }, (_, index) => index));
      firstKey = keys.length;
    }
  });
});

const WRITER_TOPIC = 'test.writer';

/** A process that opens the log and publishes records with the keys `firstKey`, `firstKey + 1` … until it is killed. */
function startWriter(directory: string, firstKey = 0): ChildProcess {
  const script = new URL('./lmdb-event-log.writer.mjs', import.meta.url);
  return fork(script, [directory, WRITER_TOPIC, String(firstKey)], {
    execArgv: [
      '--conditions=@signet/source',
      '--experimental-transform-types',
      '--disable-warning=ExperimentalWarning',
    ],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}
