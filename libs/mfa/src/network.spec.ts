import { networkOf } from './network.js';

describe('networkOf', () => {
  it.each([
    ['203.0.113.77', '203.0.113.0'],
    ['::ffff:203.0.113.77', '203.0.113.0'],
    ['2001:db8:1234:5678:9abc:def0:1234:5678', '2001:db8:1234::'],
    ['2001:0DB8:0001::1', '2001:db8:1::'],
    ['2001:db8::1', '2001:db8::'],
    ['::1', '::'],
    ['2001:0:10::1', '2001:0:10::'],
    ['fe80::', 'fe80::'],
    ['64:ff9b::192.0.2.33', '64:ff9b::'],
  ])('keeps the network of %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  it('makes nothing of what is no address', () => {
    expect(networkOf('example.com')).toBeUndefined();
  });
});
