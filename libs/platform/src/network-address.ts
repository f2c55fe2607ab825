import { isIP, isIPv6 } from 'node:net';

const MAPPED_IPV4 = /^::ffff:(?=\d+\.)/i;

/** @returns the address as its own family: a dual-stack socket shows IPv4 as `::ffff:192.0.2.1` */
export const plainAddress = (ip: string): string => (ip.startsWith('::') ? ip.replace(MAPPED_IPV4, '') : ip);

/** How much of an address leaves the service that was called: bits of IPv4/IPv6. */
export const IP_TRUNCATIONS = ['full', '24/48', '16/32', 'none'] as const;
export type IpTruncation = (typeof IP_TRUNCATIONS)[number];

/**
 * @returns the network of an address, such as `192.0.2.0` or `2001:db8:7::` of /24 and /48; undefined for what is no
 * address, and where nothing of it is kept
 */
export function truncateIp(ip: string, level: IpTruncation): string | undefined {
  const address = plainAddress(ip);
  const family = isIP(address);
  if (family === 0 || level === 'none') return undefined;
  if (level === 'full') return family === 4 ? address : address.split('%')[0];
  if (family === 6) return `${ipv6Groups(address, level === '24/48' ? 3 : 2).join(':')}::`;
  const [a, b, c] = address.split('.');
  return level === '24/48' ? `${a}.${b}.${c}.0` : `${a}.${b}.0.0`;
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
