import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { open, type Database, type RootDatabase } from 'lmdb';

/** What one transaction changes. */
export interface JournalWrite {
  /** Added under the numbers from `nextSequence` on. */
  blocks: readonly NewBlock[];
  /** Absolute values; `undefined` removes one. */
  counters: Iterable<readonly [string, number | undefined]>;
  /** What `oldest` gave, in its order. */
  removed: readonly StoredBlock[];
  /** Neighbours, of which only the place stays: those behind them are numbered on without them. */
  emptied?: readonly StoredBlock[];
}

/** Entries that share a checksum and a place of the file. */
export interface NewBlock {
  entries: number;
  bytes: Uint8Array;
}

export interface StoredBlock {
  /** Places in the file. */
  first: number;
  last: number;
  /** Of the first entry; behind its place by what was emptied before it. */
  firstSequence: number;
  /** None of what was emptied. */
  bytes: Uint8Array;
}

const EMPTY = Buffer.alloc(0);
export const isEmptied = ({ bytes }: StoredBlock): boolean => bytes.byteLength === 0;
const entriesOf = ({ first, last }: StoredBlock): number => last - first + 1;

const LMDB_OPTIONS = {
  // A write is durable when its promise resolves.
  overlappingSync: false,
  // Each `batch` is a transaction of its own, and its failure reaches only its caller.
  eventTurnBatching: false,
  // See `#transaction`.
  txnStartThreshold: 1,
};

/** In the journal's folder. */
export const JOURNAL_FILE = 'journal.mdb';

const FORMER_RECORDS = 'records';

/** What lmdb needs beside a block: node header, key and its share of the page. */
const BLOCK_OVERHEAD_BYTES = 32;

const sizeOf = ({ bytes }: { bytes: Uint8Array }): number => bytes.byteLength + BLOCK_OVERHEAD_BYTES;
const sumOf = <Item>(items: readonly Item[], numberOf: (item: Item) => number): number =>
  items.reduce((sum, item) => sum + numberOf(item), 0);

/**
 * The journal's file: blocks by the number of their last entry (so that a block says how many entries it has also when
 * its bytes are damaged), counters, and what must outlive both. A write is durable when its promise resolves
 * (`overlappingSync: false`), and whole: of a transaction that failed (disk full) nothing is there.
 */
export class JournalStore {
  readonly #root: RootDatabase;
  readonly #blocks: Database<Uint8Array, number>;
  readonly #counters: Database<number, string>;
  readonly #meta: Database<string | number, string>;
  #nextSequence: number;
  #removedThrough: number;
  /** Entries that were emptied: whose places are still there, and those that numbers lag behind places for good. */
  #emptied: number;
  #skipped: number;
  #bytes: number;

  private constructor(root: RootDatabase) {
    this.#root = root;
    this.#blocks = this.#root.openDB({ name: 'blocks', encoding: 'binary' });
    this.#counters = this.#root.openDB({ name: 'counters', encoding: 'msgpack' });
    this.#meta = this.#root.openDB({ name: 'meta', encoding: 'msgpack' });
    const [newest = 0] = this.#blocks.getKeys({ reverse: true, limit: 1 });
    this.#removedThrough = Number(this.#meta.get('removedThrough') ?? 0);
    this.#emptied = Number(this.#meta.get('emptied') ?? 0);
    this.#skipped = Number(this.#meta.get('skipped') ?? 0);
    this.#nextSequence = Math.max(newest, this.#removedThrough) + 1;
    this.#bytes = pageBytesOf(this.#blocks);
  }

  /** @throws Error that says what to do when scans of a former format wait in the file */
  static async open(directory: string): Promise<JournalStore> {
    const root = open({ path: join(directory, JOURNAL_FILE), ...LMDB_OPTIONS });
    const waiting = formerRecords(root);
    if (waiting === 0) return new JournalStore(root);
    await root.close();
    throw new Error(
      `The scan journal in ${directory} holds ${waiting} scans in a former format, which this version cannot read: ` +
        'run the version that wrote them until signet_journal_depth is 0, or move the folder away, which loses them',
    );
  }

  /** The next entry's number; they go on where those left off that were removed long ago. */
  get nextSequence(): number {
    return this.#nextSequence;
  }
  get entries(): number {
    return this.#nextSequence - 1 - this.#removedThrough - this.#emptied;
  }
  /** About what the blocks take on the disk. */
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
  async write({ blocks, counters, removed, emptied = [] }: JournalWrite): Promise<void> {
    let nextSequence = this.#nextSequence;
    const removedThrough = removed.at(-1)?.last;
    const gone = sumOf(removed.filter(isEmptied), entriesOf);
    const change = sumOf(emptied, entriesOf) - gone;
    await this.#transaction(() => [
      ...blocks.map(({ entries, bytes }) => this.#blocks.put((nextSequence += entries) - 1, bytes)),
      ...Array.from(counters, ([key, count]) =>
        count === undefined ? this.#counters.remove(key) : this.#counters.put(key, count),
      ),
      ...removed.map(({ last }) => this.#blocks.remove(last)),
      ...this.#emptying(emptied),
      ...(removedThrough === undefined ? [] : [this.#meta.put('removedThrough', removedThrough)]),
      ...(change === 0 ? [] : [this.#meta.put('emptied', this.#emptied + change)]),
      ...(gone === 0 ? [] : [this.#meta.put('skipped', this.#skipped + gone)]),
    ]);
    this.#nextSequence = nextSequence;
    this.#removedThrough = removedThrough ?? this.#removedThrough;
    this.#emptied += change;
    this.#skipped += gone;
    this.#bytes += sumOf(blocks, sizeOf) - sumOf(removed, sizeOf) - sumOf(emptied, sizeOf);
    // Pages that were counted at the start do not add up to the bytes of their blocks.
    if (this.entries === 0) this.#bytes = 0;
  }

  /** From the oldest on. */
  *blocks(): Generator<StoredBlock> {
    let [through, skipped] = [this.#removedThrough, this.#skipped];
    for (const { key: last, value: bytes } of this.#blocks.getRange()) {
      const block = { first: through + 1, last, firstSequence: through + 1 - skipped, bytes };
      yield block;
      through = last;
      if (isEmptied(block)) skipped += entriesOf(block);
    }
  }

  /** @returns the oldest blocks, until they have `limit` entries or more */
  oldest(limit: number): StoredBlock[] {
    const found: StoredBlock[] = [];
    for (const block of this.blocks()) {
      found.push(block);
      if (block.last - this.#removedThrough >= limit) break;
    }
    return found;
  }

  /** Neighbours share one place, so that there is never more to step over than a few. */
  #emptying(blocks: readonly StoredBlock[]): Promise<boolean>[] {
    const [first, last] = [blocks[0], blocks.at(-1)];
    if (!first || !last) return [];
    const before = first.first - 1;
    const joined = this.#blocks.get(before)?.byteLength === 0 ? [before] : [];
    const freed = [...joined, ...blocks.slice(0, -1).map((block) => block.last)];
    return [...freed.map((place) => this.#blocks.remove(place)), this.#blocks.put(last.last, EMPTY)];
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
    // lmdb begins at the next turn of the event loop, which under load is a flush later; with more than
    // `txnStartThreshold` writes it begins at once.
    this.#root.batch(() => {}).catch(() => {});
    try {
      await written;
    } catch (error) {
      throw await causeOf(error);
    }
  }
}

/** @returns how many records were left by versions before 2026-11-25, which had one for each scan */
function formerRecords(root: RootDatabase): number {
  if (!Array.from(root.getKeys()).includes(FORMER_RECORDS)) return 0;
  const stats: object = root.openDB({ name: FORMER_RECORDS, encoding: 'binary' }).getStats();
  return Number(Reflect.get(stats, 'entryCount') ?? 0);
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

/** @returns the bytes of the pages that hold the blocks; 0 where lmdb says nothing */
function pageBytesOf(database: Database<Uint8Array, number>): number {
  const stats: object = database.getStats();
  const read = (name: string): number => Number(Reflect.get(stats, name) ?? 0);
  const pages = read('treeBranchPageCount') + read('treeLeafPageCount') + read('overflowPages');
  return pages * read('pageSize');
}
