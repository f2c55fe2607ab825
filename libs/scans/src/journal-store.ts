import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { FRAME_HEADER_BYTES, verified, type Frame } from './journal-frame.js';
import { JournalPosition, type Places } from './journal-position.js';
import { JournalSegment, readSegment } from './journal-segment.js';
import { changeCounters, stateAfter, stateFrame, type JournalState } from './journal-state.js';

/** What one write changes: all of it, or, when it fails, nothing. */
export interface JournalWrite {
  /** Added under the numbers from the next one on. */
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
  bytes: Buffer;
}

export interface StoredBlock extends Places {
  /** Of the first entry; behind its place by what was emptied before it. */
  firstSequence: number;
  /** None of what was emptied. */
  bytes: Buffer;
}

const EMPTY = Buffer.alloc(0);
/** In place of entries whose frame the disk has lost. */
const LOST = Buffer.alloc(1);
export const isEmptied = ({ bytes }: StoredBlock): boolean => bytes.byteLength === 0;

/** In the journal's folder. */
export const SEGMENTS_FOLDER = 'segments';
/** Of versions before 2026-11-26. */
const FORMER_FILE = 'journal.mdb';
/** When a segment has so much, the next write begins another; what is shipped goes with its whole segment. */
const SEGMENT_BYTES = 4 * 1024 * 1024;

/** On the disk; the last segment is the one that is appended to. */
interface SegmentFile {
  path: string;
  number: number;
  /** Place of its first entry. */
  first: number;
}

interface Block extends Places {
  bytes: Buffer;
}

interface Found {
  segments: SegmentFile[];
  active: JournalSegment;
  /** Of the last segment. */
  frames: readonly Frame[];
  segmentBytes: number;
}

const sizeOf = ({ bytes }: { bytes: Buffer }): number => (bytes.length > 0 ? bytes.length + FRAME_HEADER_BYTES : 0);
const sumOf = <Item>(items: readonly Item[], numberOf: (item: Item) => number): number =>
  items.reduce((sum, item) => sum + numberOf(item), 0);

/**
 * The journal's files: segments of frames, to which every write appends (as Kafka's own log is made: a disk takes nothing
 * faster). Entries are found by their places in the segments, and a state says what has become of them; each segment
 * begins with the whole state, and each write that changes it appends the change. A segment goes when none of its entries
 * is wanted any more.
 */
export class JournalStore {
  /** Of one segment beside the last, as they were read from it: the oldest, as a rule. */
  #read: { path: string; blocks: Block[] } | undefined;

  private constructor(
    private readonly segmentBytes: number,
    private readonly segments: SegmentFile[],
    private active: JournalSegment,
    /** Of the last segment, those that are still wanted. */
    private activeBlocks: Block[],
    private readonly state: JournalState,
    private nextPlace: number,
    private liveBytes: number,
  ) {}

  /** @throws Error that says what to do when scans of a former format may wait in the folder */
  static async open(directory: string, segmentBytes = SEGMENT_BYTES): Promise<JournalStore> {
    refuseFormerFormat(directory);
    const folder = join(directory, SEGMENTS_FOLDER);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const segments = segmentsIn(folder);
    for (;;) {
      const last = segments.at(-1);
      if (!last) return JournalStore.#begin(folder, segmentBytes);
      const { segment, frames } = await JournalSegment.open(last.path);
      if (frames.length > 0) return JournalStore.#goOn({ segments, active: segment, frames, segmentBytes });
      // Its first write was cut short.
      await segment.close();
      await unlink(last.path);
      segments.pop();
    }
  }

  static async #begin(folder: string, segmentBytes: number): Promise<JournalStore> {
    const state = { instance: randomUUID(), position: new JournalPosition(), counters: new Map<string, number>() };
    const file = segmentFile(folder, 1, 1);
    const active = await JournalSegment.create(file.path, [stateFrame(1, state)]);
    return new JournalStore(segmentBytes, [file], active, [], state, 1, 0);
  }

  static #goOn({ segments, active, frames, segmentBytes }: Found): JournalStore {
    const before = segments.at(-2);
    // Where the disk has lost the state that a segment begins with, the one before it has nearly all of it.
    const isWhole = frames[0]?.kind === 'state' && verified(frames[0].bytes) !== undefined;
    const told = isWhole || !before ? frames : [...readSegment(before.path), ...frames];
    const state = stateAfter(told, segments[0]?.first ?? 1);
    state.instance ||= randomUUID();
    const [{ first = 1 } = {}, tail] = [segments.at(-1), frames.at(-1)];
    const nextPlace = tail ? tail.place + tail.entries : first;
    const blocks = blocksOf(frames, first, nextPlace).filter((block) => !state.position.isGone(block));
    const others = sumOf(segments.slice(0, -1), ({ path }) => statSync(path).size);
    const liveBytes = others + sumOf(blocks, sizeOf);
    return new JournalStore(segmentBytes, segments, active, blocks, state, nextPlace, liveBytes);
  }

  get instance(): string {
    return this.state.instance;
  }
  get counters(): ReadonlyMap<string, number> {
    return this.state.counters;
  }
  get entries(): number {
    const { removedThrough, emptiedCount } = this.state.position;
    return this.nextPlace - 1 - removedThrough - emptiedCount;
  }
  /** About what the entries take on the disk; what is gone stays there for up to a segment more. */
  get bytes(): number {
    return this.liveBytes;
  }

  /** Rejects when the disk does not take it; then nothing has changed. One at a time. */
  async write({ blocks, counters, removed, emptied = [] }: JournalWrite): Promise<void> {
    const [nextPlace, added] = placed(blocks, this.nextPlace);
    const changed = [...counters];
    const position = positionAfter(this.state.position, removed, emptied);
    const frames = added.map((block) => entriesFrame(block));
    if (changed.length > 0 || position !== this.state.position)
      frames.push(stateFrame(nextPlace, { instance: this.instance, position, counters: changed }));
    if (frames.length === 0) return;
    try {
      await this.#append(frames.map((frame, index) => ({ ...frame, isContinued: index < frames.length - 1 })));
    } catch (error) {
      // What the log has may go all the same: at worst it is shipped again, and known by its ids.
      if (blocks.length + changed.length + emptied.length > 0) throw error;
    }
    this.state.position = position;
    changeCounters(this.state.counters, changed);
    this.nextPlace = nextPlace;
    this.activeBlocks.push(...added);
    this.liveBytes += sumOf(added, sizeOf) - sumOf([...removed, ...emptied], sizeOf);
    // What was counted by whole segments at the start does not add up to the bytes of their blocks.
    if (this.entries === 0) this.liveBytes = 0;
    if (removed.length + emptied.length > 0) await this.#forget();
  }

  /** From the oldest on. */
  *blocks(): Generator<StoredBlock> {
    const { position } = this.state;
    let [place, skipped] = [position.removedThrough + 1, position.skipped];
    const emptied = function* (): Generator<StoredBlock> {
      for (let range = position.emptiedFrom(place); range; range = position.emptiedFrom(place)) {
        yield { ...range, firstSequence: place - skipped, bytes: EMPTY };
        skipped += range.last - range.first + 1;
        place = range.last + 1;
      }
    };
    for (const block of this.#blocksFrom(place)) {
      yield* emptied();
      if (block.first < place) continue;
      yield { ...block, firstSequence: place - skipped };
      place = block.last + 1;
    }
    yield* emptied();
  }

  /** @returns the oldest blocks, until they have `limit` entries or more */
  oldest(limit: number): StoredBlock[] {
    const found: StoredBlock[] = [];
    for (const block of this.blocks()) {
      found.push(block);
      if (block.last - this.state.position.removedThrough >= limit) break;
    }
    return found;
  }

  close(): Promise<void> {
    return this.active.close();
  }

  *#blocksFrom(place: number): Generator<Block> {
    for (const [index, { path, first }] of this.segments.entries()) {
      const end = this.segments[index + 1]?.first;
      if (end !== undefined && end <= place) continue;
      if (end === undefined) yield* this.activeBlocks;
      else yield* this.#blocksOf(path, first, end);
    }
  }

  #blocksOf(path: string, first: number, end: number): readonly Block[] {
    if (this.#read?.path !== path) this.#read = { path, blocks: blocksOf(readSegment(path), first, end) };
    return this.#read.blocks;
  }

  async #append(frames: readonly Frame[]): Promise<void> {
    if (this.active.bytes >= this.segmentBytes) await this.#beginSegment();
    await this.active.append(frames);
  }

  async #beginSegment(): Promise<void> {
    const { path, number } = this.segments.at(-1) ?? { path: '', number: 0 };
    const next = segmentFile(join(path, '..'), number + 1, this.nextPlace);
    const active = await JournalSegment.create(next.path, [stateFrame(this.nextPlace, this.state)]);
    await this.active.close();
    // As a rule all of it is shipped, or soon will be; else what waits is read again when its turn comes.
    if (this.segments.length === 1) this.#read = { path, blocks: this.activeBlocks };
    this.segments.push(next);
    this.active = active;
    this.activeBlocks = [];
  }

  /** Lets go of what is removed and emptied. */
  async #forget(): Promise<void> {
    const { position } = this.state;
    this.activeBlocks = this.activeBlocks.filter((block) => !position.isGone(block));
    const gone = this.segments.filter(({ first }, index) => {
      const end = this.segments[index + 1]?.first;
      return end !== undefined && position.isGone({ first, last: end - 1 });
    });
    for (const segment of gone) {
      try {
        await unlink(segment.path);
      } catch {
        // What was written is safe; the file goes another time.
        return;
      }
      this.segments.splice(this.segments.indexOf(segment), 1);
      if (this.#read?.path === segment.path) this.#read = undefined;
    }
  }
}

/** @throws Error that says what to do */
export function refuseFormerFormat(directory: string): void {
  const file = join(directory, FORMER_FILE);
  if (!existsSync(file)) return;
  throw new Error(
    `${file} is a scan journal in a former format, which this version cannot read: run the version that wrote it until ` +
      'signet_journal_depth is 0, then remove the file; with it goes what was not shipped',
  );
}

const segmentFile = (folder: string, number: number, first: number): SegmentFile => ({
  path: join(folder, `${String(number).padStart(8, '0')}-${first}`),
  number,
  first,
});

const SEGMENT_NAME = /^(\d{8,})-(\d+)$/;

/** In order. */
function segmentsIn(folder: string): SegmentFile[] {
  return readdirSync(folder)
    .flatMap((name) => {
      const [, number, first] = SEGMENT_NAME.exec(name) ?? [];
      return number === undefined ? [] : [{ path: join(folder, name), number: Number(number), first: Number(first) }];
    })
    .toSorted((a, b) => a.number - b.number);
}

/** @returns the place behind them, and where each is */
function placed(blocks: readonly NewBlock[], from: number): [nextPlace: number, Block[]] {
  let place = from;
  const found = blocks.map(({ entries, bytes }) => {
    const first = place;
    place += entries;
    return { first, last: place - 1, bytes };
  });
  return [place, found];
}

/** @param end the place behind them: between it and `first` is nothing that was not written */
function blocksOf(frames: readonly Frame[], first: number, end: number): Block[] {
  const blocks: Block[] = [];
  let place = first;
  const lostUntil = (next: number): void => {
    if (place < next) blocks.push({ first: place, last: next - 1, bytes: LOST });
  };
  for (const { kind, place: from, entries, bytes } of frames) {
    lostUntil(from);
    if (kind === 'entries') blocks.push({ first: from, last: from + entries - 1, bytes });
    place = from + entries;
  }
  lostUntil(end);
  return blocks;
}

const entriesFrame = ({ first, last, bytes }: Block): Frame => ({
  kind: 'entries',
  isContinued: false,
  place: first,
  entries: last - first + 1,
  bytes,
});

function positionAfter(
  position: JournalPosition,
  removed: readonly StoredBlock[],
  emptied: readonly StoredBlock[],
): JournalPosition {
  const last = removed.at(-1)?.last;
  const [from, to] = [emptied[0], emptied.at(-1)];
  const left = last === undefined ? position : position.removeThrough(last);
  return from && to ? left.empty({ first: from.first, last: to.last }) : left;
}
