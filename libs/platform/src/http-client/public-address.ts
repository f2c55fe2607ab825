import ipaddr from 'ipaddr.js';

/** What IANA has given out as global unicast (RFC 4291 §2.4); all else of IPv6 is special or nobody's. */
const GLOBAL_UNICAST: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3];

/**
 * Whether an address is of the public Internet: not private, loopback, link-local (where clouds serve their metadata),
 * multicast, carrier-grade NAT, documentation, or otherwise special (RFC 6890). The IPv6 forms that carry an IPv4
 * address (mapped, NAT64, 6to4, Teredo) are not, because they may lead to any of these.
 */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.parse(text);
  if (address.range() !== 'unicast') return false;
  return address.kind() === 'ipv4' || address.match(GLOBAL_UNICAST);
}
