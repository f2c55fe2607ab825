import { SignetConfig } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import type { Site } from './directory.sql.js';

/** Whose a host is: a short domain's, the installation's own, or nobody's here. */
export type Place = Site | 'own' | 'nobody';

/** Different spellings of hosts that are remembered; more than that are somebody's game. */
const MAX_REMEMBERED = 1000;
const LOOPBACK = /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** @returns the name in a `Host` header: without port, without dot at the end, in lower case */
const nameOf = (header: string): string => header.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '');

/** The ports of http and https count as one, because a front usually sends one to the other. */
const portOf = ({ port }: URL): string => (port === '80' || port === '443' ? '' : port);

/**
 * Which hosts are served here. Without short domains every host is the installation's own, as people reach it by names
 * and addresses that nobody has told it of. With them a host that is neither one of them nor the public URL's is
 * nobody's, because a code of ours must not seem to be somebody else's; `SIGNET_STRICT_HOSTS` has it so from the start.
 */
@Injectable()
export class SiteDirectory {
  private sites = new Map<string, Site>();
  private places = new Map<string, Place>();
  private readonly ownHost: string;
  private readonly ownPort: string;
  private readonly isStrict: boolean;

  constructor({ publicUrl, values }: SignetConfig) {
    const own = new URL(publicUrl);
    this.ownHost = own.hostname;
    this.ownPort = portOf(own);
    this.isStrict = values.SIGNET_STRICT_HOSTS;
  }

  /** @param host as a header has it */
  placeOf(host: string | undefined): Place {
    const text = host ?? '';
    const known = this.places.get(text);
    if (known !== undefined) return known;
    const place = this.decide(nameOf(text));
    if (this.places.size >= MAX_REMEMBERED) this.places.clear();
    this.places.set(text, place);
    return place;
  }

  /**
   * Whose a link is. Other than for a request, only what this installation puts into its short URLs is its own: anybody
   * can let a name lead to us, and a link is vouched for by nobody.
   */
  placeOfLink(link: URL): Place {
    if (portOf(link) !== this.ownPort) return 'nobody';
    const name = nameOf(link.hostname);
    const isOwn = name === this.ownHost || (LOOPBACK.test(name) && LOOPBACK.test(this.ownHost));
    return this.sites.get(name) ?? (isOwn ? 'own' : 'nobody');
  }

  replace(sites: readonly Site[]): void {
    this.sites = new Map(sites.map((site) => [site.host, site]));
    this.places = new Map();
  }

  private decide(name: string): Place {
    const site = this.sites.get(name);
    if (site !== undefined) return site;
    const isOpen = !this.isStrict && this.sites.size === 0;
    return isOpen || name === this.ownHost || LOOPBACK.test(name) ? 'own' : 'nobody';
  }
}
