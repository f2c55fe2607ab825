import { BlockList, isIP, isIPv6 } from 'node:net';
import { plainAddress } from '@signet/platform';

/** The addresses whose word about the client counts (`SIGNET_TRUSTED_PROXIES`). */
export class TrustedProxies {
  private readonly list = new BlockList();

  /** @param cidrs addresses and networks, as the configuration has checked them */
  constructor(cidrs: readonly string[]) {
    for (const cidr of cidrs) {
      const [address = '', bits] = cidr.split('/');
      const [family, width] = isIPv6(address) ? (['ipv6', 128] as const) : (['ipv4', 32] as const);
      this.list.addSubnet(address, bits === undefined ? width : Number(bits), family);
    }
  }

  trusts(ip: string): boolean {
    const address = plainAddress(ip);
    const family = isIP(address);
    return family !== 0 && this.list.check(address, family === 6 ? 'ipv6' : 'ipv4');
  }

  /**
   * Each proxy appends whom it heard from, so the last one that no trusted proxy vouches for is the client: as Fastify's
   * `request.ip` has it.
   * @param peer the address at the other end of the socket
   * @param forwardedFor the `X-Forwarded-For` header
   */
  clientOf(peer: string, forwardedFor: string | undefined): string {
    if (forwardedFor === undefined) return peer;
    const hops = forwardedFor.split(',');
    let client = peer;
    while (hops.length > 0 && this.trusts(client)) client = (hops.pop() ?? '').trim();
    return client;
  }
}
