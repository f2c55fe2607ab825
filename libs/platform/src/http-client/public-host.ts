import { lookup } from 'node:dns/promises';
import { SignetError } from '../errors.js';
import { isPublicAddress } from './public-address.js';

/**
 * Refuses a host that somebody chose when it leads to an address that is not public. A name that cannot be looked up now
 * may be later: whoever connects checks again.
 * @param host a name or an address, as a URL has it or without brackets @param path of the field that names it
 * @throws SignetError `target-not-allowed`
 */
export async function refusePrivateHost(host: string, path: string): Promise<void> {
  const found = await lookup(host.replaceAll(/^\[|\]$/g, ''), { all: true }).catch(() => []);
  if (found.every(({ address }) => isPublicAddress(address))) return;
  throw targetNotAllowed(path, 'must not lead to a private, loopback or link-local address');
}

/** @param path of the field that names the target */
export const targetNotAllowed = (path: string, message: string): SignetError =>
  new SignetError('target-not-allowed', { detail: `${path}: ${message}`, errors: [{ path, message }] });
