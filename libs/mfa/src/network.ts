import { isIPv4, isIPv6 } from 'node:net';

/**
 * The network of an address, as events may carry it: the first 24 bits of IPv4, the first 48 of IPv6.
 * @returns undefined for what is no address
 */
export function networkOf(address: string): string | undefined {
  const mapped = address.replace(/^::ffff:(?=\d+\.)/i, '');
  if (isIPv4(mapped)) return `${mapped.split('.').slice(0, 3).join('.')}.0`;
  if (!isIPv6(mapped)) return undefined;
  const [head = '', tail] = mapped.split('::');
  const leading = head.split(':').filter(Boolean);
  const trailing = tail?.split(':').filter(Boolean) ?? [];
  const zeros = Array.from({ length: 8 - leading.length - trailing.length }, () => '0');
  const groups = [...leading, ...(tail === undefined ? [] : zeros), ...trailing].slice(0, 3);
  const network = groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':');
  return `${network.replace(/(^|:)0(:0)*$/, '')}::`;
}
