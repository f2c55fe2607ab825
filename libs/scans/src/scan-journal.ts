import { mkdirSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { GuessingData } from '@signet/contracts';
import { counter, lockDirectory, newId, type Clock, type Counter, type Logger, type Registry } from '@signet/platform';
import { FoldCounts, foldedScans } from './fold-counts.js';
import { decodeBlock, encodeBlock, MAX_BLOCK_ENTRIES, timeOf, type JournalEntry } from './journal-block.js';
import { isEmptied, JournalStore, type NewBlock, type StoredBlock } from './journal-store.js';
import { toRecord, type ShippableRecord } from './scan-event.js';
import type { ScanFacts } from './scan-facts.js';

export interface ScanJournalOptions {
  /** Made when absent; one process at a time may have it open. */
  directory: string;
  /** The service that scans; with the journal's own UUID it is the events' `source`. */
  service?: string;
  /** What the entries may take of the disk; above it scans are folded into counters. */
  maxBytes: number;
  maxEntries?: number;
  /** Scans that are older are folded, while the event log is away. */
  maxAgeSeconds?: number;
  clock: Clock;
  logger: Logger;
  metrics: Registry;
}

interface Append {
  scan: ScanFacts;
  id: string;
  resolve: (id: string | undefined) => void;
}

interface Waiting {
  resolve: () => void;
  reject: (error: unknown) => void;
}
interface Removal extends Waiting {
  stored: readonly StoredBlock[];
}
/** A transaction of its own. */
interface Task extends Waiting {
  commit: () => Promise<void>;
}

/** The oldest entries of the journal as events; `stored` is what `remove` takes. */
export interface JournalBatch {
  records: ShippableRecord[];
  stored: StoredBlock[];
  /** Milliseconds since the epoch. */
  oldestAt?: number;
}

/** Each failed write costs a scan its time. */
const RETRY_MS = 1000;
/** Folded in one transaction; while they are read, which takes some 2 µs an entry, no scan is answered. */
const FOLDED_BLOCKS = 32;

/**
 * Scans on this host's disk until the event log has them (architecture.md §4.5). What was appended while a transaction
 * was under way shares the next one: under load one flush of the disk serves many scans, and no timer delays a single
 * one.
 */
export class ScanJournal {
  readonly #folded: Counter<'reason'>;
  /** As they are in the file. */
  readonly #counters: FoldCounts;
  /** Counts that the disk did not take yet: with the process they are lost. */
  #owed = new FoldCounts();
  #appends: Append[] = [];
  #removals: Removal[] = [];
  #tasks: Task[] = [];
  /** Tell of the last transaction. */
  #answers: (() => void)[] = [];
  #writing: Promise<void> | undefined;
  #isFull = false;
  #isFoldingAged = false;
  /** Milliseconds of the monotonic clock before which a disk that failed is not tried again. */
  #retryAt = 0;
  #onAppend: () => void = () => {};
  #closed = false;

  private constructor(
    private readonly options: ScanJournalOptions,
    private readonly store: JournalStore,
    /** CloudEvents `source`; `sequence` is gap-free for it. */
    readonly source: string,
    private readonly unlock: () => Promise<void>,
  ) {
    this.#counters = new FoldCounts(store.counters);
    this.#folded = counter(options.metrics, 'signet_journal_folded_total', 'Scans kept as a count only', ['reason']);
  }

  /** @throws Error when another process holds the directory, or what is in it cannot be read by this version */
  static async open(options: ScanJournalOptions): Promise<ScanJournal> {
    mkdirSync(options.directory, { recursive: true, mode: 0o700 });
    const unlock = await lockDirectory(options.directory);
    try {
      const store = await JournalStore.open(options.directory);
      const source = `/signet/${options.service ?? 'redirect'}/${store.instance}`;
      return new ScanJournal(options, store, source, unlock);
    } catch (error) {
      await unlock();
      throw error;
    }
  }

  /** Events that wait for the event log. */
  get depth(): number {
    return this.store.entries;
  }
  /** About what the entries take on the disk. */
  get bytes(): number {
    return this.store.bytes;
  }
  /** Whether counts wait for the event log in place of scans. */
  get hasFolded(): boolean {
    return this.#counters.size + this.#owed.size > 0;
  }
  /** Why new scans are being folded; undefined while they are kept whole. */
  get trouble(): string | undefined {
    if (this.#owed.size > 0) return 'the scan journal cannot be written: scans are counted in memory only';
    if (this.#isFull) return 'the scan journal is full: scans are folded into counters';
    return this.#isFoldingAged ? `scans wait for longer than ${this.#hours} h and are folded into counters` : undefined;
  }

  /** Called after entries were added. */
  onAppend(listener: () => void): void {
    this.#onAppend = listener;
  }

  /**
   * Never rejects while the journal is open: a scan that does not fit, or that the disk refuses, is counted instead.
   * @param id the event's; a caller that may append one and the same scan twice gives it the same id both times
   * @returns the event's id when it is durable; undefined when the scan was folded into a counter
   */
  append(scan: ScanFacts, id: string = newId()): Promise<string | undefined> {
    if (this.#closed) return Promise.reject(new Error('The scan journal is closed'));
    return new Promise((resolve) => {
      this.#appends.push({ scan, id, resolve });
      this.#writing ??= this.#write();
    });
  }

  /** @returns about `limit` of the oldest; blocks that the disk has damaged are named in the log and left out */
  oldest(limit: number): JournalBatch {
    const stored = this.store.oldest(limit);
    const records: ShippableRecord[] = [];
    let oldestAt: number | undefined;
    for (const block of stored) {
      const entries = this.#entriesOf(block);
      oldestAt ??= entries[0] && timeOf(entries[0]);
      records.push(...entries.map((entry, index) => toRecord(entry, this.source, block.firstSequence + index)));
    }
    return { records, stored, oldestAt };
  }

  #entriesOf(block: StoredBlock): JournalEntry[] {
    if (isEmptied(block)) return [];
    const entries = decodeBlock(block.bytes);
    if (entries) return entries;
    const { firstSequence: from, first, last } = block;
    const damaged = { source: this.source, from, through: from + last - first };
    this.options.logger.error(damaged, 'damaged scans of the journal are left out');
    return [];
  }

  /** Forgets what the event log has taken; resolves when that is durable, rejects when the disk refuses. */
  remove({ stored }: JournalBatch): Promise<void> {
    if (this.#closed) return Promise.reject(new Error('The scan journal is closed'));
    if (stored.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#removals.push({ stored, resolve, reject });
      this.#writing ??= this.#write();
    });
  }

  /** @returns how long the oldest scan has been waiting, in seconds; 0 when none is */
  oldestAgeSeconds(): number {
    const [block] = this.store.oldest(1);
    const oldest = block && decodeBlock(block.bytes)?.[0];
    return oldest ? Math.max(0, (this.options.clock.now().getTime() - timeOf(oldest)) / 1000) : 0;
  }

  /**
   * Turns counters into entries, each into one `scan.folded` event: once it is an entry, a crash publishes it again
   * with the same id, and never counts it anew. Rejects when the disk refuses; the counters stay.
   */
  unfold(): Promise<void> {
    return this.#alone(() => this.#commitUnfolded());
  }

  /**
   * Folds scans that are too old, and numbers those behind them on without them. Rejects when the disk refuses.
   * @param doubtful the log may have taken these without its answer: counted anew they would count twice
   * @returns whether there may be more
   */
  async foldAged({ stored: doubtful }: JournalBatch): Promise<boolean> {
    const aged = this.#agedAfter(doubtful.at(-1)?.last ?? 0);
    if (aged.length > 0) await this.#alone(() => this.#commitAged(aged));
    return aged.length === FOLDED_BLOCKS;
  }

  /** A journal that is full or fails rejects: what it tells is no scan, and has no count. */
  appendGuessing(guessing: GuessingData): Promise<void> {
    return this.#alone(async () => {
      if (this.#roomAfter(0, 0) <= 0) throw new Error('The scan journal is full');
      const bytes = encodeBlock([{ id: newId(), at: Date.parse(guessing.to), guessing }]);
      await this.store.write({ blocks: [{ entries: 1, bytes }], counters: [], removed: [] });
      this.#onAppend();
    });
  }

  #alone(commit: () => Promise<void>): Promise<void> {
    if (this.#closed) return Promise.reject(new Error('The scan journal is closed'));
    return new Promise((resolve, reject) => {
      this.#tasks.push({ commit, resolve, reject });
      this.#writing ??= this.#write();
    });
  }

  /** Writes what it still owes, and lets the directory go. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#writing;
    if (this.#owed.size > 0) await this.#commitAppends([]);
    await this.store.close();
    await this.unlock();
  }

  async #write(): Promise<void> {
    // Everything that this turn of the event loop appends comes along.
    await nextTurn();
    while (this.#isWanted) {
      const [appends, removals, tasks] = [this.#appends, this.#removals, this.#tasks];
      [this.#appends, this.#removals, this.#tasks] = [[], [], []];
      const written = this.#writeTogether(appends, removals);
      // The disk is busy with these; now is the time to answer those that it already has.
      this.#answer();
      await written;
      if (tasks.length > 0 || !this.#isWanted) this.#answer();
      for (const task of tasks) await settle([task], task.commit());
    }
    this.#writing = undefined;
  }

  get #isWanted(): boolean {
    return this.#appends.length + this.#removals.length + this.#tasks.length > 0;
  }

  #answer(): void {
    const answers = this.#answers;
    this.#answers = [];
    for (const answer of answers) answer();
  }

  /**
   * One flush of the disk for both. Removals alone succeed on a full disk, too, and may make room on it.
   */
  async #writeTogether(appends: readonly Append[], removals: readonly Removal[]): Promise<void> {
    if (removals.length === 0) return appends.length === 0 ? undefined : this.#commitAppends(appends);
    const diskWorks = this.#owed.size === 0;
    if (diskWorks && (await succeeds(this.#commit(appends, removals)))) return;
    if (await settle(removals, this.#commit([], removals))) this.#retryAt = 0;
    if (appends.length > 0) await this.#commitAppends(appends);
  }

  /** Tries the disk, or counts in memory. */
  async #commitAppends(appends: readonly Append[]): Promise<void> {
    if (this.#owed.size > 0 && performance.now() < this.#retryAt) {
      this.#owe(appends);
      return;
    }
    try {
      await this.#commit(appends, []);
    } catch (error) {
      if (this.#owed.size === 0)
        this.options.logger.error({ err: error }, 'the scan journal cannot be written; scans are counted in memory');
      this.#retryAt = performance.now() + RETRY_MS;
      this.#owe(appends);
    }
  }

  /** One transaction; `#answer` tells those who wait for it. Rejects when the disk refuses; then nothing was done. */
  async #commit(appends: readonly Append[], removals: readonly Removal[]): Promise<void> {
    const { blocks, kept } = this.#blocksOf(appends);
    const changes = new FoldCounts(this.#owed);
    for (const { scan } of appends.slice(kept)) changes.add(scan);
    const counters = Array.from(changes, ([key, count]) => [key, this.#counters.get(key) + count] as const);
    await this.store.write({ blocks, counters, removed: removals.flatMap(({ stored }) => stored) });
    for (const [key, total] of counters) this.#counters.set(key, total);
    this.#owed = new FoldCounts();
    // The log is back.
    if (removals.length > 0) this.#isFoldingAged = false;
    this.#noteFull(appends.length - kept);
    this.#answers.push(() => {
      for (const [index, { id, resolve }] of appends.entries()) resolve(index < kept ? id : undefined);
      for (const { resolve } of removals) resolve();
    });
    if (appends.length > 0) this.#onAppend();
  }

  /** @returns the scans that fit, which are the first; those that do not are the last `appends` of the transaction */
  #blocksOf(appends: readonly Append[]): { blocks: NewBlock[]; kept: number } {
    const blocks: NewBlock[] = [];
    let [kept, bytes] = [0, 0];
    while (kept < appends.length) {
      const room = this.#roomAfter(kept, bytes);
      if (room <= 0) break;
      const some = appends.slice(kept, kept + Math.min(room, MAX_BLOCK_ENTRIES));
      const block = encodeBlock(some.map(({ id, scan }) => ({ id, scan })));
      blocks.push({ entries: some.length, bytes: block });
      kept += some.length;
      bytes += block.length;
    }
    return { blocks, kept };
  }

  /** @returns how many more entries may come after so many, if they are as small as can be */
  #roomAfter(entries: number, bytes: number): number {
    const { maxBytes, maxEntries = Number.POSITIVE_INFINITY } = this.options;
    return this.store.bytes + bytes < maxBytes ? maxEntries - this.store.entries - entries : 0;
  }

  #noteFull(folded: number): void {
    if (folded === 0) {
      this.#isFull &&= this.#roomAfter(0, 0) <= 0;
      return;
    }
    this.#folded.inc({ reason: 'full' }, folded);
    if (!this.#isFull) this.options.logger.warn({ depth: this.depth }, 'the scan journal is full; scans are counted');
    this.#isFull = true;
  }

  #owe(appends: readonly Append[]): void {
    this.#folded.inc({ reason: 'failed' }, appends.length);
    for (const { scan, resolve } of appends) {
      this.#owed.add(scan);
      resolve(undefined);
    }
  }

  get #hours(): number {
    return (this.options.maxAgeSeconds ?? Number.POSITIVE_INFINITY) / 3600;
  }

  #agedAfter(place: number): StoredBlock[] {
    const { clock, maxAgeSeconds = Number.POSITIVE_INFINITY } = this.options;
    const from = clock.now().getTime() - maxAgeSeconds * 1000;
    const aged: StoredBlock[] = [];
    for (const block of this.store.blocks()) {
      if (block.last <= place || isEmptied(block)) continue;
      const newest = decodeBlock(block.bytes)?.at(-1);
      if (newest && timeOf(newest) >= from) break;
      if (aged.push(block) === FOLDED_BLOCKS) break;
    }
    return aged;
  }

  async #commitAged(aged: readonly StoredBlock[]): Promise<void> {
    const counts = new FoldCounts();
    const entries = aged.flatMap((block) => this.#entriesOf(block));
    for (const entry of entries) {
      if (entry.scan) counts.add(entry.scan);
      else if (entry.folded) counts.addFolded(entry.folded);
    }
    const counters = Array.from(counts, ([key, count]) => [key, this.#counters.get(key) + count] as const);
    await this.store.write({ blocks: [], counters, removed: [], emptied: aged });
    for (const [key, total] of counters) this.#counters.set(key, total);
    this.#folded.inc({ reason: 'aged' }, entries.filter(({ scan }) => scan).length);
    if (!this.#isFoldingAged) this.options.logger.warn({ depth: this.depth }, 'scans are too old; they are counted');
    this.#isFoldingAged = true;
  }

  async #commitUnfolded(): Promise<void> {
    const at = this.options.clock.now().getTime();
    const due = [...this.#counters.plus(this.#owed)].slice(0, MAX_BLOCK_ENTRIES);
    const bytes = encodeBlock(due.map(([key, count]) => ({ id: newId(), at, folded: foldedScans(key, count) })));
    const blocks = due.length === 0 ? [] : [{ entries: due.length, bytes }];
    await this.store.write({ blocks, counters: due.map(([key]) => [key, undefined] as const), removed: [] });
    for (const [key] of due) {
      this.#counters.delete(key);
      this.#owed.delete(key);
    }
  }
}

/** Tells those who wait how it ended. @returns whether it succeeded */
async function settle(waiting: readonly Waiting[], ending: Promise<void>): Promise<boolean> {
  try {
    await ending;
    for (const { resolve } of waiting) resolve();
    return true;
  } catch (error) {
    for (const { reject } of waiting) reject(error);
    return false;
  }
}

async function succeeds(attempt: Promise<void>): Promise<boolean> {
  try {
    await attempt;
    return true;
  } catch {
    return false;
  }
}
