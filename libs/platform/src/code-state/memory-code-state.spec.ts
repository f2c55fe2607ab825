import { ManualClock, SystemClock } from '../clock.js';
import { FILLED_TTL_SECONDS, NONCE_TTL_SECONDS, WRITTEN_TTL_SECONDS } from './code-state.js';
import { describeCodeState, snapshotOf } from './code-state.contract.js';
import { MemoryCodeState } from './memory-code-state.js';

describeCodeState('in process', async () => {
  const state = new MemoryCodeState({ clock: new SystemClock() });
  return { state, flush: () => state.close() };
});

describe('MemoryCodeState', () => {
  const single = { limit: { maxScans: 1, claimMode: 'interstitial' } } as const;

  it('keeps a write, a fill and a nonce for as long as each may live', async () => {
    const clock = new ManualClock();
    const state = new MemoryCodeState({ clock });
    const passes = () => state.gate({ key: 'written', at: clock.now(), nonceHash: 'ab' });
    await state.write('written', snapshotOf(1, single));
    await state.fill('filled', { snapshot: snapshotOf(1), used: 0 });
    await state.settle({ key: 'written', used: 1, nonceHash: 'ab' });

    clock.advance(FILLED_TTL_SECONDS * 1000 - 1);
    expect(await state.read('filled')).toBeDefined();
    clock.advance(1);
    expect(await state.read('filled')).toBeUndefined();

    clock.advance((NONCE_TTL_SECONDS - FILLED_TTL_SECONDS) * 1000 - 1);
    expect(await passes()).toBe('open');
    clock.advance(1);
    expect(await passes()).toBe('exhausted');

    clock.advance((WRITTEN_TTL_SECONDS - NONCE_TTL_SECONDS) * 1000 - 1);
    expect(await state.read('written')).toBeDefined();
    clock.advance(1);
    expect(await state.read('written')).toBeUndefined();
  });

  it('lets the oldest filled copies go first when it is full, then the oldest written ones', async () => {
    const state = new MemoryCodeState({ clock: new ManualClock(), maxEntries: 3 });
    const kept = async (...keys: string[]) => {
      const entries = await Promise.all(keys.map((key) => state.read(key)));
      return keys.filter((_, index) => entries[index]);
    };
    await state.write('written-1', snapshotOf(1));
    await state.fill('filled-1', { snapshot: snapshotOf(1), used: 0 });
    await state.fill('filled-2', { snapshot: snapshotOf(1), used: 0 });
    await state.write('written-2', snapshotOf(1));
    expect(await kept('written-1', 'filled-1', 'filled-2', 'written-2')).toEqual([
      'written-1',
      'filled-2',
      'written-2',
    ]);
    await state.write('written-3', snapshotOf(1));
    await state.write('written-4', snapshotOf(1));
    expect(await kept('written-1', 'filled-2', 'written-2', 'written-3', 'written-4')).toEqual([
      'written-2',
      'written-3',
      'written-4',
    ]);
  });

  it('is not changed by what callers do with their copies afterwards', async () => {
    const state = new MemoryCodeState({ clock: new ManualClock() });
    const snapshot = snapshotOf(1);
    await state.write('summer', snapshot);
    snapshot.state = 'revoked';
    const entry = await state.read('summer');
    if (entry) entry.used = 99;
    expect(await state.read('summer')).toEqual({ snapshot: snapshotOf(1), used: 0 });
  });
});
