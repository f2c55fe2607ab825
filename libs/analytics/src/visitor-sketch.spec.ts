import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EXACT_VISITORS, VisitorSketch } from './visitor-sketch.js';

/** The n-th visitor of a series, as a scan names it. */
const visitor = (run: number, n: number): string =>
  createHash('sha256').update(`${run} ${n}`).digest('hex').slice(0, 16);

function sketchOf(visitors: Iterable<string>): VisitorSketch {
  const sketch = new VisitorSketch();
  for (const one of visitors) sketch.add(one);
  return sketch;
}
function* series(run: number, count: number, from = 0): Generator<string> {
  for (let n = from; n < from + count; n += 1) yield visitor(run, n);
}

describe('a visitor sketch', () => {
  it('is exact up to 128 visitors, however often they come', () => {
    for (const count of [0, 1, 2, 100, EXACT_VISITORS]) {
      expect(sketchOf([...series(1, count), ...series(1, count)]).count()).toBe(count);
    }
  });

  it.each([129, 1000, 5000, 12_000, 30_000])(
    'is within 1.6 % (standard error) and without bias at %i visitors',
    (count) => {
      const runs = 16;
      const errors = Array.from({ length: runs }, (_, run) => sketchOf(series(run, count)).count() / count - 1);
      const mean = errors.reduce((sum, error) => sum + error, 0) / runs;
      const rms = Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / runs);
      // Three standard errors of a mean and of a deviation over so many runs.
      expect(Math.abs(mean)).toBeLessThan((3 * 0.0163) / Math.sqrt(runs));
      expect(rms).toBeLessThan(0.0163 * (1 + 3 / Math.sqrt(2 * runs)));
    },
  );

  it('of a union is the union of sketches, whatever the order and the parts', () => {
    const part = fc.record({ from: fc.nat({ max: 400 }), count: fc.nat({ max: 400 }) });
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), (parts) => {
        const whole = sketchOf(parts.flatMap(({ from, count }) => [...series(7, count, from)]));
        const merge = (order: typeof parts): VisitorSketch => {
          const merged = new VisitorSketch();
          for (const { from, count } of order) merged.merge(sketchOf(series(7, count, from)));
          return merged;
        };
        expect(merge(parts).encode()).toEqual(whole.encode());
        expect(merge(parts.toReversed()).encode()).toEqual(whole.encode());
      }),
      { numRuns: 60 },
    );
  });

  it('is read as it was written', () => {
    for (const count of [0, 1, EXACT_VISITORS, 1000]) {
      const sketch = sketchOf(series(3, count));
      const read = VisitorSketch.decode(sketch.encode() ?? null);
      expect(read.count()).toBe(sketch.count());
      expect(read.encode()).toEqual(sketch.encode());
    }
  });

  it('takes any text for a visitor', () => {
    expect(sketchOf(['a', 'b', 'a', '', '0'.repeat(16), '\ud800']).count()).toBe(5);
  });
});
