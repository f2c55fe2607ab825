import type { CodeSnapshot, PageBrand } from '@signet/contracts';
import { BrandDirectory, SiteDirectory, type Place, type Site } from '@signet/domains';
import { SignetConfig, SignetError } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import type { Visit } from './scan-recorder.js';
import { TrustedProxies } from './trusted-proxies.js';

type Asked = Pick<Visit, 'headers' | 'socket'>;

/** On which domain a request asks, and so where its slug is looked for and how its pages look. */
@Injectable()
export class Hosts {
  private readonly proxies: TrustedProxies;

  constructor(
    private readonly sites: SiteDirectory,
    private readonly brands: BrandDirectory,
    { values }: SignetConfig,
  ) {
    this.proxies = new TrustedProxies(values.SIGNET_TRUSTED_PROXIES);
  }

  /** Anybody can send `X-Forwarded-Host`; it counts only when a trusted proxy handed the request over. */
  placeOf({ headers, socket }: Asked): Place {
    const forwarded = headers['x-forwarded-host'];
    const isVouchedFor = forwarded !== undefined && this.proxies.trusts(socket.remoteAddress ?? '');
    return this.sites.placeOf(isVouchedFor ? lastOf(String(forwarded)) : headers.host);
  }

  /**
   * @returns undefined on the installation's own host
   * @throws SignetError `wrong-host`
   */
  siteOf(asked: Asked): Site | undefined {
    const place = this.placeOf(asked);
    if (place === 'nobody') throw new SignetError('wrong-host');
    return place === 'own' ? undefined : place;
  }

  /** The brand of a page: the code's, its domain's, or its workspace's. @param snapshot absent for an unknown slug */
  brandFor(asked: Asked, snapshot?: CodeSnapshot): PageBrand | undefined {
    const place = this.placeOf(asked);
    const site = typeof place === 'string' ? undefined : place;
    return this.brands.brandOf({ brandId: snapshot?.brandId, workspaceId: snapshot?.workspaceId, site });
  }
}

/** Each proxy appends what it was asked for; the last is what the one that we trust heard. */
const lastOf = (header: string): string => header.slice(header.lastIndexOf(',') + 1).trim();
