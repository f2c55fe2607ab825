import { lanAddress } from './lan.js';

const ipv4 = (address: string, internal = false) =>
  ({ address, family: 'IPv4', internal, netmask: '', mac: '', cidr: null }) as const;
const ipv6 = {
  address: 'fe80::1',
  family: 'IPv6',
  internal: false,
  netmask: '',
  mac: '',
  cidr: null,
  scopeid: 1,
} as const;

describe('--lan', () => {
  it('takes the first IPv4 address that others can reach', () => {
    expect(lanAddress({ lo: [ipv4('127.0.0.1', true)], wifi: [ipv6, ipv4('192.168.1.20')] })).toBe('192.168.1.20');
  });

  it('finds none without a network', () => {
    expect(lanAddress({ lo: [ipv4('127.0.0.1', true)] })).toBeUndefined();
  });
});
