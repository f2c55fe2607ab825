import { isIPv4, isIPv6 } from 'node:net';

const MAPPED_IPV4 = /^::ffff:(?=\d+\.)/i;

/** @returns the address as its own family: a dual-stack socket shows IPv4 as `::ffff:192.0.2.1` */
export const plainAddress = (ip: string): string => (ip.startsWith('::') ? ip.replace(MAPPED_IPV4, '') : ip);

/** @returns the /24 or /48 network of an address, such as `192.0.2.0` or `2001:db8:7::`; undefined for what is none */
export function truncateIp(ip: string): string | undefined {
  const address = plainAddress(ip);
  if (isIPv4(address)) return `${address.slice(0, address.lastIndexOf('.'))}.0`;
  if (!isIPv6(address)) return undefined;
  return `${ipv6Groups(address, 3).join(':')}::`;
}

/** @returns what one subscriber holds: an IPv4 address, or the /64 of an IPv6 address, which it may vary at will */
export function subscriberOf(ip: string): string {
  const address = plainAddress(ip);
  return isIPv6(address) ? `${ipv6Groups(address, 4).join(':')}::` : address;
}

/** @returns the first groups of an IPv6 address, without leading zeros; trailing zero groups are left out */
function ipv6Groups(address: string, count: number): string[] {
  const [bare = ''] = address.split('%');
  const [front = '', back] = bare.split('::');
  const head = front.split(':').filter(Boolean);
  const tail = (back ?? '').split(':').filter(Boolean);
  // A dotted tail stands for two groups.
  const missing = 8 - head.length - tail.length - (bare.includes('.') ? 1 : 0);
  const zeros = back === undefined ? [] : Array.from({ length: missing }, () => '0');
  const groups = [...head, ...zeros, ...tail]
    .slice(0, count)
    .map((group) => group.toLowerCase().replace(/^0+(?=.)/, ''));
  while (groups.at(-1) === '0') groups.pop();
  return groups;
}
