import { findWorkspaceName } from '@signet/access';
import { codeKey } from '@signet/codes';
import type { CodeSnapshot, OriginVerdict, PageBrand } from '@signet/contracts';
import { BrandDirectory, SiteDirectory, type Site } from '@signet/domains';
import {
  decideGate,
  gateFields,
  LOGGER,
  within,
  type CodeStateEntry,
  type GateVerdict,
  type Logger,
} from '@signet/platform';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { CodeFinder } from './code-finder.js';
import { slugOf } from './checked-link.js';
import type { Visit } from './scan-recorder.js';

export interface Origin {
  verdict: OriginVerdict;
  /** Of a code that was issued here. */
  issuedBy?: string | undefined;
  brand?: PageBrand | undefined;
}

/** A name is worth less than the answer. */
const NAME_DEADLINE_MS = 1000;

/** An archived code is told as a scan tells it: as one that is switched off. */
const verdicts: Readonly<Record<GateVerdict, OriginVerdict>> = {
  open: 'active',
  'unknown-here': 'active',
  'not-active-yet': 'scheduled',
  paused: 'paused',
  expired: 'expired',
  exhausted: 'exhausted',
  revoked: 'revoked',
};

/** Whether a link is a code of this installation. It uses nothing up, and is no scan. */
@Injectable()
export class CodeOrigins {
  constructor(
    private readonly dataSource: DataSource,
    private readonly sites: SiteDirectory,
    private readonly brands: BrandDirectory,
    private readonly finder: CodeFinder,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Says no more of a code than a scan of it does, and counts guesses as scans do.
   * @throws SignetError `too-many-requests` | `code-undecided`
   */
  async originOf(link: URL, { visit, at }: { visit: Visit; at: Date }): Promise<Origin> {
    const place = this.sites.placeOfLink(link);
    if (place === 'nobody') return { verdict: 'foreign' };
    const site = place === 'own' ? undefined : place;
    const slug = slugOf(link) ?? '';
    const entry = await this.finder.find({ visit, slug, key: codeKey(slug, site), workspaceId: site?.workspaceId, at });
    return entry ? this.describe(entry, site, at) : { verdict: 'unknown' };
  }

  private async describe({ snapshot, used }: CodeStateEntry, site: Site | undefined, at: Date): Promise<Origin> {
    const verdict = verdicts[decideGate({ ...gateFields(snapshot), used }, { at, known: false })];
    const { brandId, workspaceId } = snapshot;
    const brand = this.brands.brandOf({ brandId, workspaceId, site });
    return { verdict, brand, issuedBy: brand?.name ?? (await this.workspaceOf(snapshot)) };
  }

  private async workspaceOf({ workspaceId }: CodeSnapshot): Promise<string | undefined> {
    try {
      return await within(NAME_DEADLINE_MS, findWorkspaceName(this.dataSource.manager, workspaceId));
    } catch (error) {
      this.logger.warn({ err: error, workspaceId }, 'the name of a workspace could not be read');
      return undefined;
    }
  }
}
