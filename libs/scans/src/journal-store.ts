import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { open, type Database, type RootDatabase } from 'lmdb';

/** What one transaction changes. */
export interface JournalWrite {
  /** Added under the numbers from `nextSequence` on. */
  records: readonly Buffer[];
  /** Absolute values; `undefined` removes one. */
  counters: Iterable<readonly [string, number | undefined]>;
  /** What `oldest` gave, in its order. */
  removed: readonly StoredRecord[];
}

export interface StoredRecord {
  sequence: number;
  bytes: Uint8Array;
}

/** What lmdb needs beside a record: node header, key and its share of the page. */
const RECORD_OVERHEAD_BYTES = 32;

const sizeOf = (record: Uint8Array): number => record.byteLength + RECORD_OVERHEAD_BYTES;

/**
 * The journal's file: records by sequence number, counters, and what must outlive both. A write is durable when its
 * promise resolves (`overlappingSync: false`), and whole: of a transaction that failed (disk full) nothing is there.
 */
export class JournalStore {
  readonly #root: RootDatabase;
  readonly #records: Database<Uint8Array, number>;
  readonly #counters: Database<number, string>;
  readonly #meta: Database<string | number, string>;
  /** The next record's number; they go on where the records left off that were removed long ago. */
  nextSequence: number;
  #entries: number;
  #bytes: number;

  constructor(directory: string) {
    // Without event turn batching each `batch` is a transaction of its own, and its failure reaches only its caller.
    this.#root = open({ path: join(directory, 'journal.mdb'), overlappingSync: false, eventTurnBatching: false });
    this.#records = this.#root.openDB({ name: 'records', encoding: 'binary' });
    this.#counters = this.#root.openDB({ name: 'counters', encoding: 'msgpack' });
    this.#meta = this.#root.openDB({ name: 'meta', encoding: 'msgpack' });
    const [newest = 0] = this.#records.getKeys({ reverse: true, limit: 1 });
    this.nextSequence = Math.max(newest, Number(this.#meta.get('removedThrough') ?? 0)) + 1;
    const { entryCount, pages } = readStats(this.#records);
    this.#entries = entryCount;
    this.#bytes = pages;
  }

  get entries(): number {
    return this.#entries;
  }
  /** About what the records take on the disk. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @returns the UUID that was made with this file: `sequence` counts per file, also when a host has had several */
  async instance(): Promise<string> {
    const known = this.#meta.get('instance');
    if (typeof known === 'string') return known;
    const instance = randomUUID();
    await this.#transaction(() => [this.#meta.put('instance', instance)]);
    return instance;
  }

  counters(): [string, number][] {
    return Array.from(this.#counters.getRange(), ({ key, value }) => [key, value]);
  }

  /** Rejects when the disk takes nothing; then nothing has changed. */
  async write({ records, counters, removed }: JournalWrite): Promise<void> {
    const firstSequence = this.nextSequence;
    const lastRemoved = removed.at(-1)?.sequence;
    await this.#transaction(() => [
      ...records.map((record, index) => this.#records.put(firstSequence + index, record)),
      ...Array.from(counters, ([key, count]) =>
        count === undefined ? this.#counters.remove(key) : this.#counters.put(key, count),
      ),
      ...removed.map(({ sequence }) => this.#records.remove(sequence)),
      ...(lastRemoved === undefined ? [] : [this.#meta.put('removedThrough', lastRemoved)]),
    ]);
    this.nextSequence = firstSequence + records.length;
    this.#entries += records.length - removed.length;
    for (const record of records) this.#bytes += sizeOf(record);
    for (const { bytes } of removed) this.#bytes -= sizeOf(bytes);
    // Pages that were counted at the start do not add up to the bytes of their records.
    if (this.#entries === 0) this.#bytes = 0;
  }

  /** @returns at most `limit` records, oldest first */
  oldest(limit: number): StoredRecord[] {
    return Array.from(this.#records.getRange({ limit }), ({ key, value }) => ({ sequence: key, bytes: value }));
  }

  async close(): Promise<void> {
    await this.#root.close();
  }

  /** @throws what lmdb or the disk says */
  async #transaction(puts: () => Promise<boolean>[]): Promise<void> {
    const written = this.#root.batch(() => {
      // A failed transaction rejects each of its puts, too, and an unheard rejection would end the process.
      for (const put of puts()) put.catch(() => {});
    });
    try {
      await written;
    } catch (error) {
      throw await causeOf(error);
    }
  }
}

/** lmdb's error names its cause in a promise of its own. */
async function causeOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error;
  try {
    return await error.commitError;
  } catch (cause) {
    return cause;
  }
}

/** @returns the number of entries, and the bytes of the pages that hold them; zeros where lmdb says nothing */
function readStats(database: Database<Uint8Array, number>): { entryCount: number; pages: number } {
  const stats: object = database.getStats();
  const read = (name: string): number => Number(Reflect.get(stats, name) ?? 0);
  const pages = read('treeBranchPageCount') + read('treeLeafPageCount') + read('overflowPages');
  return { entryCount: read('entryCount'), pages: pages * read('pageSize') };
}
