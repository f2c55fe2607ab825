import { BlockList, isIPv6 } from 'node:net';
import { plainAddress } from '@signet/platform';

/** Lists by the array that they were made of: a dry run evaluates the same policies for every subject. */
const lists = new WeakMap<readonly string[], BlockList>();

/** Whether an address lies in one of the networks, each an address or a CIDR of either family. */
export function isInNetworks(ip: string, networks: readonly string[]): boolean {
  const address = plainAddress(ip);
  return listOf(networks).check(address, familyOf(address));
}

function listOf(networks: readonly string[]): BlockList {
  const known = lists.get(networks);
  if (known) return known;
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const family = familyOf(address);
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  lists.set(networks, list);
  return list;
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIPv6(address) ? 'ipv6' : 'ipv4');
