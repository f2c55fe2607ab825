import { Leases } from './leases.js';

const leasesOf = (limits: { maxEntries?: number; maxBytes?: number }): Leases<string> =>
  new Leases({ milliseconds: 1000, maxEntries: 100, maxBytes: 1000, sizeOf: (text) => text.length, ...limits });

describe('Leases', () => {
  it('end when their time is over, counted from when the reading began, and when the clock was set back', () => {
    const leases = leasesOf({});
    leases.set('a', 'x', 5000);
    expect([leases.get('a', 5000), leases.get('a', 5999)]).toEqual(['x', 'x']);
    expect([leases.get('a', 6000), leases.get('a', 4999)]).toEqual([undefined, undefined]);
  });

  it('hold no more entries than they may; the oldest makes room', () => {
    const leases = leasesOf({ maxEntries: 3 });
    for (const key of ['a', 'b', 'c', 'd']) leases.set(key, 'x', 0);
    expect(leases.size).toBe(3);
    expect([leases.get('a', 1), leases.get('d', 1)]).toEqual([undefined, 'x']);
  });

  it('hold no more bytes than they may, however often a value is replaced', () => {
    const leases = leasesOf({ maxBytes: 100 });
    for (let round = 0; round < 50; round++) leases.set('a', 'x'.repeat(40), 0);
    leases.set('b', 'x'.repeat(60), 0);
    expect([leases.get('a', 1), leases.get('b', 1)]).toEqual(['x'.repeat(40), 'x'.repeat(60)]);
    leases.set('c', 'x'.repeat(50), 0);
    expect([leases.get('a', 1), leases.get('b', 1), leases.get('c', 1)]).toEqual([
      undefined,
      undefined,
      'x'.repeat(50),
    ]);
    leases.delete('c');
    leases.set('d', 'x'.repeat(200), 0);
    expect(leases.size).toBe(0);
  });

  it('leave memory when they are over and others come', () => {
    const leases = leasesOf({});
    for (let index = 0; index < 90; index++) leases.set(`k${index}`, 'x', 0);
    leases.set('z', 'x', 1000);
    expect(leases.size).toBe(1);
  });
});
