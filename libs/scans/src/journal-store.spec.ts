import { appendFileSync, mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { checksummed as sealed, encodeFrames } from './journal-frame.js';
import { isEmptied, JournalStore } from './journal-store.js';

/** So small that a handful of writes fills one. */
const SEGMENT_BYTES = 400;

type Step =
  | { do: 'append'; blocks: number[]; counters: [string, number][] }
  | { do: 'remove'; blocks: number }
  | { do: 'empty'; from: number; blocks: number; counters: [string, number][] }
  | { do: 'unfold'; key: string }
  | { do: 'reopen' | 'die in a write' };

const key = fc.constantFrom('a', 'b', 'c');
const counters = fc.array(fc.tuple(key, fc.nat(9)), { maxLength: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('append'),
      blocks: fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 3 }),
      counters,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove'), blocks: fc.nat(6) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('empty'), from: fc.nat(4), blocks: fc.nat(4), counters }) },
  fc.record({ do: fc.constant('unfold'), key }),
  fc.record({ do: fc.constantFrom('reopen', 'die in a write') }),
);

interface Kept {
  /** Of its first entry, as it is when those before it are removed one after the other. */
  entries: number;
  text: string;
  isEmptied: boolean;
}

/** What a journal should say, kept in memory. */
class Model {
  blocks: Kept[] = [];
  counters = new Map<string, number>();
  /** The number that the first of `blocks` begins with. */
  sequence = 1;

  remove(count: number): void {
    for (const { entries, isEmptied: isGone } of this.blocks.splice(0, count)) if (!isGone) this.sequence += entries;
  }

  told(): { sequence: number; text: string }[] {
    let { sequence } = this;
    return this.blocks.flatMap(({ entries, text, isEmptied: isGone }) => {
      if (isGone) return [];
      const told = { sequence, text };
      sequence += entries;
      return [told];
    });
  }
}

describe('JournalStore', () => {
  const directories: string[] = [];
  const newDirectory = (): string => {
    const directory = mkdtempSync(join(tmpdir(), 'signet-segments-'));
    directories.push(directory);
    return directory;
  };
  afterAll(() => {
    for (const directory of directories) rmSync(directory, { recursive: true, force: true });
  });
  const segmentsOf = (directory: string): string[] =>
    readdirSync(join(directory, 'segments'))
      .toSorted()
      .map((name) => join(directory, 'segments', name));
  const told = (store: JournalStore): { sequence: number; text: string }[] =>
    Array.from(store.blocks()).flatMap((block) =>
      isEmptied(block) ? [] : [{ sequence: block.firstSequence, text: block.bytes.toString() }],
    );
  const append = (store: JournalStore, texts: readonly string[]): Promise<void> =>
    store.write({
      blocks: texts.map((text) => ({ entries: 1, bytes: sealed(text) })),
      counters: [],
      removed: [],
    });

  it('has what was written, in order and numbered without gaps, whatever is removed, emptied, restarted and cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const directory = newDirectory();
        let store = await JournalStore.open(directory, SEGMENT_BYTES);
        const { instance } = store;
        const model = new Model();
        let serial = 0;
        for (const each of steps) {
          store = await take(each, { store, model, directory, next: () => (serial += 1) });
          expect(told(store)).toEqual(model.told());
          expect(new Map(store.counters)).toEqual(model.counters);
          expect(store.entries).toBe(model.blocks.reduce((sum, b) => sum + (b.isEmptied ? 0 : b.entries), 0));
          expect(store.instance).toBe(instance);
        }
        await store.close();
        rmSync(directory, { recursive: true });
      }),
      { numRuns: 150 },
    );
  });

  async function take(
    each: Step,
    { store, model, directory, next }: { store: JournalStore; model: Model; directory: string; next: () => number },
  ): Promise<JournalStore> {
    switch (each.do) {
      case 'append': {
        const blocks = each.blocks.map((entries) => ({ entries, bytes: sealed(`block ${next()}`) }));
        await store.write({ blocks, counters: each.counters, removed: [] });
        for (const { entries, bytes } of blocks)
          model.blocks.push({ entries, text: bytes.toString(), isEmptied: false });
        for (const [name, count] of each.counters) model.counters.set(name, count);
        return store;
      }
      case 'remove': {
        const stored = Array.from(store.blocks()).slice(0, each.blocks);
        await store.write({ blocks: [], counters: [], removed: stored });
        let left = stored.length;
        // Neighbours that were emptied are one to the store.
        while (left > 0) {
          const isRange = model.blocks[0]?.isEmptied;
          model.remove(1);
          if (!isRange || !model.blocks[0]?.isEmptied) left -= 1;
        }
        return store;
      }
      case 'empty': {
        const whole = Array.from(store.blocks());
        const some = whole.slice(each.from, each.from + each.blocks);
        if (some.length === 0 || some.some(isEmptied)) return store;
        await store.write({ blocks: [], counters: each.counters, removed: [], emptied: some });
        const texts = new Set(some.map(({ bytes }) => bytes.toString()));
        for (const block of model.blocks) block.isEmptied ||= texts.has(block.text);
        for (const [name, count] of each.counters) model.counters.set(name, count);
        return store;
      }
      case 'unfold': {
        const bytes = sealed(`${each.key} ${next()}`);
        await store.write({ blocks: [{ entries: 1, bytes }], counters: [[each.key, undefined]], removed: [] });
        model.blocks.push({ entries: 1, text: bytes.toString(), isEmptied: false });
        model.counters.delete(each.key);
        return store;
      }
      case 'reopen':
      case 'die in a write': {
        await store.close();
        if (each.do === 'die in a write') leaveUnfinishedWrite(segmentsOf(directory).at(-1) ?? '');
        return JournalStore.open(directory, SEGMENT_BYTES);
      }
    }
  }

  /** Two frames that belong together, of which the second is not all there. */
  function leaveUnfinishedWrite(path: string): void {
    const frame = { kind: 'entries' as const, place: 1_000_000, entries: 1, bytes: sealed('never answered') };
    const whole = encodeFrames([
      { ...frame, isContinued: true },
      { ...frame, isContinued: false },
    ]);
    appendFileSync(path, whole.subarray(0, whole.length - 3));
  }

  it('lets go of the disk segment by segment, and of all but the last one at once when the oldest is held', async () => {
    const directory = newDirectory();
    const store = await JournalStore.open(directory, SEGMENT_BYTES);
    for (let n = 0; n < 40; n += 1) await append(store, [`scan ${n}`]);
    const before = segmentsOf(directory).length;
    expect(before).toBeGreaterThan(4);
    const [doubtful, ...others] = store.blocks();
    await store.write({ blocks: [], counters: [], removed: [], emptied: others });
    // What is emptied lies between the two.
    expect(segmentsOf(directory)).toHaveLength(2);
    expect(told(store)).toEqual([{ sequence: 1, text: sealed('scan 0').toString() }]);
    await store.write({ blocks: [], counters: [], removed: doubtful ? [doubtful] : [] });
    expect([store.entries, store.bytes]).toEqual([0, 0]);
    expect(segmentsOf(directory)).toHaveLength(1);
    await append(store, ['later']);
    expect(told(store)).toEqual([{ sequence: 2, text: sealed('later').toString() }]);
    await store.close();
  });

  it('goes on from the segment before when it died while it began another', async () => {
    const directory = newDirectory();
    let store = await JournalStore.open(directory, SEGMENT_BYTES);
    const { instance } = store;
    for (let n = 0; n < 12; n += 1) await append(store, [`scan ${n}`]);
    await store.close();
    const [last = ''] = segmentsOf(directory).slice(-1);
    truncateSync(last, 10);
    store = await JournalStore.open(directory, SEGMENT_BYTES);
    expect(store.instance).toBe(instance);
    const kept = told(store).length;
    expect(kept).toBeGreaterThan(0);
    await append(store, ['on']);
    expect(told(store).at(-1)).toEqual({ sequence: kept + 1, text: sealed('on').toString() });
    await store.close();
  });
});
