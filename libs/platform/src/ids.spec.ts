import { newId } from './ids.js';

describe('newId', () => {
  it('makes UUIDv7s of now that sort in the order of their making, also past the end of the pool', () => {
    const before = Date.now();
    const ids = Array.from({ length: 10_000 }, newId);
    expect(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toBe(
      true,
    );
    expect(ids.toSorted()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
    const milliseconds = Number.parseInt(ids[0]?.slice(0, 13).replace('-', '') ?? '', 16);
    expect(milliseconds).toBeGreaterThanOrEqual(before);
    expect(milliseconds).toBeLessThanOrEqual(Date.now());
  });

  it('shares no randomness between two ids', () => {
    const tails = Array.from({ length: 1000 }, () => newId().slice(-12));
    expect(new Set(tails).size).toBe(tails.length);
  });
});
