import { setTimeout as sleep } from 'node:timers/promises';
import type { CodeSnapshot } from '@signet/contracts';
import * as fc from 'fast-check';
import type { CodeState, GateVerdict } from './code-state.js';

export interface CodeStateUnderTest {
  state: CodeState;
  /** Makes the store lose everything, as FLUSHALL or a restart does. */
  flush: () => Promise<void>;
}

const at = new Date('2026-11-24T12:00:00.000Z');
const nonce = (character: string): string => character.repeat(64);

/** A link that lives, in the given version and with the given differences. */
export const snapshotOf = (version: number, differences: Partial<CodeSnapshot> = {}): CodeSnapshot => ({
  id: '0198c5a2-7f00-7000-8000-000000000001',
  workspaceId: '0198c5a2-7f00-7000-8000-000000000002',
  slug: 'summer',
  version,
  kind: 'link',
  state: 'active',
  target: { url: `https://example.org/v${version}` },
  ...differences,
});

const limitedTo = (maxScans: number): Partial<CodeSnapshot> => ({ limit: { maxScans, claimMode: 'interstitial' } });

/** Resolves when the condition holds; rejects after 10 s, so that a broken promise ends the test and not the run. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('what was waited for did not happen');
    await sleep(5);
  }
}

/** Every promise of CodeState that an adapter must keep. */
export function describeCodeState(name: string, makeAdapter: () => Promise<CodeStateUnderTest>): void {
  describe(`CodeState: ${name}`, () => {
    let state: CodeState;
    let flush: CodeStateUnderTest['flush'];

    beforeEach(async () => {
      ({ state, flush } = await makeAdapter());
    });
    afterEach(() => state.close());

    /** Collects the changed keys; listening may begin a moment after `onChange`, so it is proven by a first change. */
    async function listen(): Promise<{ heard: () => (string | undefined)[]; stop: () => void }> {
      const all: (string | undefined)[] = [];
      const stop = state.onChange((key) => all.push(key));
      await until(async () => {
        await state.write('probe', snapshotOf(1));
        return all.includes('probe');
      });
      // Messages come in the order of the writes: after this one no earlier one is on its way.
      await state.write('ready', snapshotOf(1));
      await until(() => all.includes('ready'));
      const start = all.length;
      return { heard: () => all.slice(start), stop };
    }

    describe('writes', () => {
      it('reads back what was written, with no use known', async () => {
        const snapshot = snapshotOf(3, {
          ...limitedTo(2),
          activeFrom: '2026-01-01T00:00:00.000Z',
          expiresAt: '2027-01-01T00:00:00.000Z',
        });
        expect(await state.write('summer', snapshot)).toBe(true);
        expect(await state.read('summer')).toEqual({ snapshot, used: 0 });
        expect(await state.read('Summer')).toBeUndefined();
      });

      it('keeps the newest of 20 versions that were written at once, whatever their order', async () => {
        const versions = Array.from({ length: 20 }, (_, index) => index + 1);
        const orders = fc.shuffledSubarray(versions, { minLength: 20 });
        let run = 0;
        await fc.assert(
          fc.asyncProperty(orders, async (order) => {
            const key = `order-${run++}`;
            const stored = await Promise.all(order.map((version) => state.write(key, snapshotOf(version))));
            expect(await state.read(key)).toEqual({ snapshot: snapshotOf(20), used: 0 });
            expect(stored[order.indexOf(20)]).toBe(true);
            expect(await state.write(key, snapshotOf(19))).toBe(false);
          }),
          { numRuns: 20 },
        );
      });

      it('forgets the times and the limit that a newer version no longer has', async () => {
        await state.write('summer', snapshotOf(1, { ...limitedTo(1), expiresAt: '2026-01-01T00:00:00.000Z' }));
        await state.settle({ key: 'summer', used: 1 });
        await state.write('summer', snapshotOf(2));
        expect(await state.gate({ key: 'summer', at })).toBe('open');
      });

      it('keeps the known uses when a new version is written', async () => {
        await state.write('summer', snapshotOf(1, limitedTo(3)));
        await state.settle({ key: 'summer', used: 2 });
        await state.write('summer', snapshotOf(2, limitedTo(2)));
        expect(await state.read('summer')).toMatchObject({ used: 2 });
        expect(await state.gate({ key: 'summer', at })).toBe('exhausted');
      });
    });

    describe('fills', () => {
      it('stores what a reader found', async () => {
        await state.fill('summer', { snapshot: snapshotOf(1, limitedTo(5)), used: 4 });
        expect(await state.read('summer')).toEqual({ snapshot: snapshotOf(1, limitedTo(5)), used: 4 });
      });

      it('replaces an older version, never one as new or newer', async () => {
        await state.write('summer', snapshotOf(2));
        await state.fill('summer', { snapshot: snapshotOf(1), used: 0 });
        await state.fill('summer', {
          snapshot: snapshotOf(2, { target: { url: 'https://example.org/other' } }),
          used: 0,
        });
        expect(await state.read('summer')).toMatchObject({ snapshot: { target: { url: 'https://example.org/v2' } } });
        await state.fill('summer', { snapshot: snapshotOf(3), used: 0 });
        expect(await state.read('summer')).toMatchObject({ snapshot: { target: { url: 'https://example.org/v3' } } });
      });

      it('never lowers the known uses, and raises them also beside a newer version', async () => {
        await state.fill('summer', { snapshot: snapshotOf(5, limitedTo(9)), used: 3 });
        await state.fill('summer', { snapshot: snapshotOf(6, limitedTo(9)), used: 2 });
        expect(await state.read('summer')).toMatchObject({ snapshot: { version: 6 }, used: 3 });
        await state.fill('summer', { snapshot: snapshotOf(5, limitedTo(9)), used: 4 });
        expect(await state.read('summer')).toMatchObject({ snapshot: { version: 6 }, used: 4 });
      });

      it('gives way to a write of the same version', async () => {
        await state.fill('summer', { snapshot: snapshotOf(1), used: 1 });
        expect(await state.write('summer', snapshotOf(1))).toBe(true);
        expect(await state.read('summer')).toEqual({ snapshot: snapshotOf(1), used: 1 });
      });
    });

    describe('the gate', () => {
      it.each<[GateVerdict, Partial<CodeSnapshot>]>([
        ['open', {}],
        ['open', limitedTo(1)],
        ['paused', { state: 'paused' }],
        ['paused', { state: 'archived' }],
        ['revoked', { state: 'revoked' }],
        ['expired', { expiresAt: at.toISOString() }],
        ['not-active-yet', { activeFrom: new Date(at.getTime() + 1).toISOString() }],
      ])('answers %s for %j', async (verdict, differences) => {
        await state.write('summer', snapshotOf(1, differences));
        expect(await state.gate({ key: 'summer', at })).toBe(verdict);
      });

      it('refuses all of 100 concurrent claims once the last use is settled', async () => {
        await state.write('summer', snapshotOf(1, limitedTo(3)));
        await state.settle({ key: 'summer', used: 2 });
        expect(await state.gate({ key: 'summer', at })).toBe('open');
        await state.settle({ key: 'summer', used: 3 });
        const claims = Array.from({ length: 100 }, () => state.gate({ key: 'summer', at }));
        expect(new Set(await Promise.all(claims))).toEqual(new Set(['exhausted']));
      });

      it('lets the claimant of a settled use ask again, nobody else, and for this code only', async () => {
        await state.write('summer', snapshotOf(1, limitedTo(1)));
        await state.write('winter', snapshotOf(1, limitedTo(1)));
        await state.settle({ key: 'summer', used: 1, nonceHash: nonce('a') });
        await state.settle({ key: 'winter', used: 1, nonceHash: nonce('b') });
        expect(await state.gate({ key: 'summer', at, nonceHash: nonce('a') })).toBe('open');
        expect(await state.gate({ key: 'summer', at, nonceHash: nonce('b') })).toBe('exhausted');
        expect(await state.gate({ key: 'summer', at })).toBe('exhausted');
        await state.write('summer', snapshotOf(2, { ...limitedTo(1), state: 'revoked' }));
        expect(await state.gate({ key: 'summer', at, nonceHash: nonce('a') })).toBe('revoked');
      });

      it('refuses from the moment at which the revocation was written', async () => {
        await state.write('summer', snapshotOf(1, limitedTo(100)));
        const before = Array.from({ length: 20 }, () => state.gate({ key: 'summer', at }));
        await state.write('summer', snapshotOf(2, { ...limitedTo(100), state: 'revoked' }));
        const after = Array.from({ length: 20 }, () => state.gate({ key: 'summer', at }));
        expect(new Set(await Promise.all(after))).toEqual(new Set(['revoked']));
        expect(await Promise.all(before)).toHaveLength(20);
      });
    });

    describe('settled uses', () => {
      it('never go down, in whatever order they arrive', async () => {
        await state.write('summer', snapshotOf(1, limitedTo(10)));
        const counts = [3, 1, 10, 2, 7, 5];
        await Promise.all(counts.map((used) => state.settle({ key: 'summer', used })));
        expect(await state.read('summer')).toMatchObject({ used: 10 });
      });

      it('leave nothing behind for a code that is not stored', async () => {
        await state.settle({ key: 'summer', used: 1, nonceHash: nonce('a') });
        expect(await state.read('summer')).toBeUndefined();
        await state.fill('summer', { snapshot: snapshotOf(1, limitedTo(1)), used: 1 });
        expect(await state.gate({ key: 'summer', at, nonceHash: nonce('a') })).toBe('exhausted');
      });
    });

    describe('visitors', () => {
      it('are new once at each code, however many of their scans come at once', async () => {
        const meet = (codeId: string, visitor: string): Promise<boolean> => state.meet({ codeId, visitor });
        const first = await Promise.all(Array.from({ length: 20 }, () => meet('summer', 'a')));
        expect(first.filter((isKnown) => !isKnown)).toHaveLength(1);
        expect([await meet('summer', 'a'), await meet('winter', 'a'), await meet('summer', 'b')]).toEqual([
          true,
          false,
          false,
        ]);
      });

      it('are new again after everything was lost', async () => {
        await state.meet({ codeId: 'summer', visitor: 'a' });
        await flush();
        expect(await state.meet({ codeId: 'summer', visitor: 'a' })).toBe(false);
      });
    });

    describe('changes', () => {
      it('are told once a write, by the key; not for a refused write, a fill, a settled use', async () => {
        const { heard } = await listen();
        await state.write('summer', snapshotOf(2));
        await state.write('summer', snapshotOf(1));
        await state.fill('autumn', { snapshot: snapshotOf(1, limitedTo(1)), used: 0 });
        await state.settle({ key: 'autumn', used: 1 });
        await state.write('winter', snapshotOf(1));
        await state.write('end', snapshotOf(1));
        await until(() => heard().includes('end'));
        expect(heard()).toEqual(['summer', 'winter', 'end']);
      });

      it('are told again when the same version is written again: the first message may be lost', async () => {
        const { heard } = await listen();
        await state.write('summer', snapshotOf(1));
        await state.write('summer', snapshotOf(1));
        await until(() => heard().length >= 2);
        expect(heard()).toEqual(['summer', 'summer']);
      });

      it('reach every listener until it stops', async () => {
        const first = await listen();
        const second = await listen();
        first.stop();
        const sofar = first.heard().length;
        await state.write('summer', snapshotOf(1));
        await until(() => second.heard().includes('summer'));
        expect(first.heard()).toHaveLength(sofar);
      });
    });

    it('counts a limit by key, and says how long to wait', async () => {
      const limit = { keyPrefix: 'guess', points: 2, duration: 60 };
      const [one, other] = [state.limiter(limit), state.limiter({ ...limit, keyPrefix: 'else' })];
      expect((await one.consume('somebody')).remainingPoints).toBe(1);
      expect((await one.consume('somebody')).remainingPoints).toBe(0);
      await expect(one.consume('somebody')).rejects.toMatchObject({ msBeforeNext: expect.any(Number) });
      expect((await one.consume('somebody else')).remainingPoints).toBe(1);
      expect((await other.consume('somebody')).remainingPoints).toBe(1);
    });

    it('knows nothing after it lost everything, and takes it all again', async () => {
      await state.write('summer', snapshotOf(7, limitedTo(1)));
      await state.settle({ key: 'summer', used: 1, nonceHash: nonce('a') });
      await flush();
      expect(await state.read('summer')).toBeUndefined();
      expect(await state.gate({ key: 'summer', at, nonceHash: nonce('a') })).toBe('unknown-here');
      expect(await state.write('summer', snapshotOf(6))).toBe(true);
      expect(await state.gate({ key: 'summer', at })).toBe('open');
    });

    it('answers a ping', async () => {
      await expect(state.ping()).resolves.toBeUndefined();
    });
  });
}
