import { plainAddress, subscriberOf, truncateIp } from './network-address.js';

describe('truncateIp', () => {
  it.each([
    ['203.0.113.77', '203.0.113.0'],
    ['::ffff:203.0.113.77', '203.0.113.0'],
    ['2001:db8:7:1:2:3:4:5', '2001:db8:7::'],
    ['2001:0DB8:0007:0001::9', '2001:db8:7::'],
    ['2001:db8::1', '2001:db8::'],
    ['fe80::1%eth0', 'fe80::'],
    ['::1', '::'],
    ['64:ff9b::192.0.2.33', '64:ff9b::'],
  ])('makes %s %s', (ip, network) => {
    expect(truncateIp(ip, '24/48')).toBe(network);
  });

  it.each([
    ['203.0.113.77', 'full', '203.0.113.77'],
    ['::ffff:203.0.113.77', 'full', '203.0.113.77'],
    ['2001:db8:7::1', 'full', '2001:db8:7::1'],
    ['203.0.113.77', '16/32', '203.0.0.0'],
    ['2001:db8:7:1::9', '16/32', '2001:db8::'],
    ['203.0.113.77', 'none', undefined],
    ['2001:db8::1', 'none', undefined],
  ] as const)('makes %s by %s %s', (ip, level, network) => {
    expect(truncateIp(ip, level)).toBe(network);
  });

  it('has nothing to say of what is no address', () => {
    expect(truncateIp('unknown', 'full')).toBeUndefined();
  });
});

describe('subscriberOf', () => {
  it('takes all addresses of an IPv6 /64 for one, and each IPv4 address for itself', () => {
    expect(subscriberOf('2001:db8:7:1:a:b:c:d')).toBe(subscriberOf('2001:db8:7:1::1'));
    expect(subscriberOf('2001:db8:7:2::1')).not.toBe(subscriberOf('2001:db8:7:1::1'));
    expect(subscriberOf('::ffff:203.0.113.77')).toBe('203.0.113.77');
  });
});

describe('plainAddress', () => {
  it('shows a mapped IPv4 address as IPv4', () => {
    expect(plainAddress('::ffff:192.0.2.1')).toBe('192.0.2.1');
    expect(plainAddress('2001:db8::1')).toBe('2001:db8::1');
  });
});
