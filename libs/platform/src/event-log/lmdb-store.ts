import { mkdirSync, realpathSync } from 'node:fs';
import type { TopicSpec } from '@signet/contracts';
import { open, type Database, type RootDatabase } from 'lmdb';
import { v4 } from 'uuid';
import { SignetError } from '../errors.js';
import { MAX_BATCH_BYTES, MAX_BATCH_RECORDS } from './delivery.js';
import type { LogRecord, NewRecord } from './event-log.js';
import { decodeRecord, encodeRecord, readAppendedAt } from './lmdb-record.js';

/** Each topic has this one partition: one process reads it, so that more would only cost order. */
export const PARTITION = 0;
const TRIM_STEP = 1000;
/** Sorts after every offset that a key `[topic, offset]` can carry. */
const END = Number.MAX_SAFE_INTEGER;

/** The directories that this process has open; lmdb's own list of readers tells of other processes only. */
const openDirectories = new Set<string>();

/**
 * Records, positions of groups and the log's id in one lmdb environment. A write is durable when its promise
 * resolves (`overlappingSync: false`), and whole: of a write that failed (disk full) nothing is there.
 */
export class LmdbStore {
  readonly #directory: string;
  readonly #root: RootDatabase;
  readonly #records: Database<Uint8Array, [string, number]>;
  readonly #positions: Database<number, [string, string]>;
  readonly #topics: Database<TopicSpec, string>;
  readonly #meta: Database<string, string>;

  /** @throws Error when this or another process has the directory open */
  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.#directory = realpathSync(directory);
    if (openDirectories.has(this.#directory)) throw alreadyOpen(this.#directory, process.pid);
    // Without event turn batching each write is one transaction of ours, and its failure reaches only its caller.
    this.#root = open({ path: `${this.#directory}/event-log.mdb`, overlappingSync: false, eventTurnBatching: false });
    this.#records = this.#root.openDB({ name: 'records', encoding: 'binary' });
    this.#positions = this.#root.openDB({ name: 'positions', encoding: 'msgpack' });
    this.#topics = this.#root.openDB({ name: 'topics', encoding: 'msgpack' });
    this.#meta = this.#root.openDB({ name: 'meta', encoding: 'string' });
    const other = this.#otherProcess();
    if (other !== undefined) {
      void this.#root.close();
      throw alreadyOpen(this.#directory, other);
    }
    openDirectories.add(this.#directory);
  }

  /** @returns a UUID that was made with the store */
  async id(): Promise<string> {
    const known = this.#meta.get('id');
    if (known !== undefined) return known;
    const id = v4();
    await this.#write(this.#meta, () => [this.#meta.put('id', id)]);
    return id;
  }

  topics(): TopicSpec[] {
    return Array.from(this.#topics.getRange(), ({ value }) => value);
  }

  /** Adds topics, or replaces what is known of them. */
  async putTopics(specs: readonly TopicSpec[]): Promise<void> {
    await this.#write(this.#topics, () => specs.map((spec) => this.#topics.put(spec.name, spec)));
  }

  /** @returns the offset of the next record; the newest record is never trimmed, so that no offset is given twice */
  nextOffset(topic: string): number {
    const [newest] = this.#records.getKeys({ start: [topic, END], end: [topic, -1], reverse: true, limit: 1 });
    return newest === undefined ? 0 : newest[1] + 1;
  }

  oldestOffset(topic: string): number {
    const [oldest] = this.#records.getKeys({ start: [topic, 0], end: [topic, END], limit: 1 });
    return oldest === undefined ? 0 : oldest[1];
  }

  /** @param appends may name a topic more than once; `firstOffset` is where its records go */
  async append(
    appends: readonly { topic: string; firstOffset: number; records: readonly NewRecord[] }[],
    appendedAt: number,
  ): Promise<void> {
    await this.#write(this.#records, () =>
      appends.flatMap(({ topic, firstOffset, records }) =>
        records.map((record, index) =>
          this.#records.put([topic, firstOffset + index], encodeRecord(record, appendedAt)),
        ),
      ),
    );
  }

  /** @returns the records from the offset on, oldest first, at most a batch of them */
  read(topic: string, fromOffset: number): LogRecord[] {
    const records: LogRecord[] = [];
    let bytes = 0;
    const range = { start: [topic, fromOffset], end: [topic, END], limit: MAX_BATCH_RECORDS };
    for (const { key, value } of this.#records.getRange(range)) {
      bytes += value.byteLength;
      if (records.length && bytes > MAX_BATCH_BYTES) break;
      records.push({ topic, partition: PARTITION, offset: BigInt(key[1]), ...decodeRecord(value) });
    }
    return records;
  }

  /** @returns the offset of the first record that was appended at this time (ms) or later; the next one when none was */
  offsetAt(topic: string, time: number): number {
    let [low, high] = [this.oldestOffset(topic), this.nextOffset(topic)];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const value = this.#records.get([topic, middle]);
      if (value !== undefined && readAppendedAt(value) < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** @returns the offset at which the group goes on; undefined for a new group */
  position(group: string, topic: string): number | undefined {
    return this.#positions.get([group, topic]);
  }

  async commit(group: string, topic: string, nextOffset: number): Promise<void> {
    await this.#write(this.#positions, () => [this.#positions.put([group, topic], nextOffset)]);
  }

  /** Removes what was appended before the time, but never the newest record. @returns how many were removed */
  async trim(topic: string, before: number): Promise<number> {
    let removed = 0;
    for (;;) {
      const newest = this.nextOffset(topic) - 1;
      const range = this.#records.getRange({ start: [topic, 0], end: [topic, newest], limit: TRIM_STEP });
      const old: [string, number][] = [];
      for (const { key, value } of range) {
        if (readAppendedAt(value) >= before) break;
        old.push(key);
      }
      if (!old.length) return removed;
      await this.#write(this.#records, () => old.map((key) => this.#records.remove(key)));
      removed += old.length;
    }
  }

  async close(): Promise<void> {
    await this.#root.close();
    openDirectories.delete(this.#directory);
  }

  /** @throws SignetError `unavailable` when the disk does not take it */
  async #write(database: Database, puts: () => Promise<boolean>[]): Promise<void> {
    const written = database.batch(() => {
      // A failed transaction rejects each of its puts, too, and an unheard rejection would end the process.
      for (const put of puts()) put.catch(() => {});
    });
    try {
      await written;
    } catch (error) {
      const cause: unknown = await commitError(error);
      throw new SignetError('unavailable', { detail: 'The event log cannot be written', cause });
    }
  }

  /**
   * The pid of another process that has the environment open. lmdb keeps a table of its readers, each held by a lock
   * that the operating system releases with the process, so that a dead one is never mistaken for a living.
   */
  #otherProcess(): number | undefined {
    this.#meta.get('id');
    this.#root.readerCheck();
    const pids = this.#root.readerList().matchAll(/^\s*(\d+) /gm);
    return [...pids].map(([, pid]) => Number(pid)).find((pid) => pid !== process.pid);
  }
}

const alreadyOpen = (directory: string, pid: number) =>
  new Error(`The event log in ${directory} is open in another Signet (process ${pid}); stop that one first`);

/** lmdb's error names its cause in a promise of its own. */
async function commitError(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error;
  try {
    return await error.commitError;
  } catch (cause) {
    return cause;
  }
}
