import type { TargetCheck, TargetHealth } from '@signet/contracts';
import * as fc from 'fast-check';
import { healthAfter, nextCheckAt } from './target-health.js';

const start = Date.parse('2026-11-24T12:00:00.000Z');
const check = (healthy: boolean): TargetCheck => ({
  path: 'target.url',
  url: 'https://example.org/',
  healthy,
  reachable: true,
  status: healthy ? 200 : 404,
  finalUrl: 'https://example.org/',
  redirects: 0,
  certificate: null,
  milliseconds: 1,
  problem: healthy ? null : 'status',
});

/** Every health and event of a row of checks, a minute apart. */
function after(results: readonly boolean[]): { healths: TargetHealth[]; events: string[] } {
  const healths: TargetHealth[] = [];
  const events: string[] = [];
  for (const [index, healthy] of results.entries()) {
    const found = healthAfter(healths.at(-1) ?? null, [check(healthy)], new Date(start + index * 60_000));
    healths.push(found.health);
    if (found.event) events.push(`${index} ${found.event}`);
  }
  return { healths, events };
}

describe('the health of a code’s targets', () => {
  it('is told when the third check in a row has failed, and when it is back, once each', () => {
    const { healths, events } = after([true, false, false, false, false, true, true]);
    expect(healths.map(({ status }) => status)).toEqual([
      'healthy',
      'failing',
      'failing',
      'unhealthy',
      'unhealthy',
      'healthy',
      'healthy',
    ]);
    expect(events).toEqual(['3 code.target_unhealthy', '5 code.target_healthy']);
    expect(healths[4]).toEqual({
      status: 'unhealthy',
      since: '2026-11-24T12:03:00.000Z',
      checkedAt: '2026-11-24T12:04:00.000Z',
      failures: 4,
      problem: 'target.url: status 404',
    });
  });

  it('of a first good check, and of a failure or two, is nobody’s news', () => {
    expect(after([true, false, true, false, false, true]).events).toEqual([]);
  });

  it('is bad when any of the targets is', () => {
    expect(healthAfter(null, [check(true), check(false)], new Date(start)).health.status).toBe('failing');
  });

  it('is told in turns, whatever happens', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 40 }), (results) => {
        const types = after(results).events.map((event) => event.split(' ')[1]);
        types.forEach((type, index) =>
          expect(type).toBe(index % 2 === 0 ? 'code.target_unhealthy' : 'code.target_healthy'),
        );
      }),
    );
  });

  it('is looked at again soon while it fails, else once an interval, not all at the same moment', () => {
    const at = new Date(start);
    const hours = (results: boolean[], random: number): number => {
      const health = after(results).healths.at(-1);
      if (!health) throw new Error('no check');
      return (nextCheckAt(health, at, 24 * 3_600_000, random).getTime() - start) / 3_600_000;
    };
    expect(hours([false], 0.5)).toBeCloseTo(1 / 6);
    expect(hours([true], 0)).toBeCloseTo(21.6);
    expect(hours([true], 1)).toBeCloseTo(26.4);
    expect(hours([false, false, false], 0.5)).toBeCloseTo(24);
  });
});
