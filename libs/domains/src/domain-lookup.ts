import { normalizeHost } from '@signet/contracts';
import { SignetConfig } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { brandExists } from './brands.sql.js';
import { refused } from './domain.js';
import {
  findActiveHosts,
  lockDefaultDomain,
  lockDomainOfHost,
  lockDomainOfId,
  type CodeDomain,
} from './domains.sql.js';

/** What codes have to know of domains and brands. */
@Injectable()
export class DomainLookup {
  private readonly ownHost: string;

  constructor({ publicUrl }: SignetConfig) {
    this.ownHost = new URL(publicUrl).hostname;
  }

  /**
   * The domain on which a new code is issued. It stays until the transaction ends.
   * @param host as the caller names it; absent: the workspace's default one
   * @returns undefined: the installation's own
   * @throws SignetError `invalid-request` when the host is no active domain of the workspace
   */
  async choose(manager: EntityManager, workspaceId: string, host: string | undefined): Promise<CodeDomain | undefined> {
    if (host === undefined) return lockDefaultDomain(manager, workspaceId);
    const name = normalizeHost(host) ?? host.toLowerCase().replace(/:\d+$/, '');
    if (name === this.ownHost) return undefined;
    const domain = await lockDomainOfHost(manager, workspaceId, name);
    if (!domain) throw refused('domain', 'must be an active domain of this workspace');
    return domain;
  }

  /**
   * The domain of a code that another takes the place of.
   * @throws SignetError `invalid-request` when it has been removed since
   */
  async keep(manager: EntityManager, workspaceId: string, id: string | null): Promise<CodeDomain | undefined> {
    if (id === null) return undefined;
    const domain = await lockDomainOfId(manager, workspaceId, id);
    if (!domain) throw refused('domain', 'has been removed');
    return domain;
  }

  /** @throws SignetError `invalid-request` when it is no brand of the workspace */
  async checkBrand(manager: EntityManager, workspaceId: string, brandId: string | null | undefined): Promise<void> {
    if (brandId === null || brandId === undefined || (await brandExists(manager, workspaceId, brandId))) return;
    throw refused('brandId', 'must be a brand of this workspace');
  }

  /** The hosts of the workspace's active domains. */
  hostsOf(manager: EntityManager, workspaceId: string): Promise<string[]> {
    return findActiveHosts(manager, workspaceId);
  }
}
