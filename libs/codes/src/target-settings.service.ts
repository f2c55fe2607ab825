import { appendAudit } from '@signet/audit';
import type { InputOf, TargetSettings } from '@signet/contracts';
import { DomainLookup } from '@signet/domains';
import { Clock, SignetConfig, type Caller } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { originOf } from './code.js';
import { authorityOf, type TargetRules } from './target-safety.js';
import { readTargetSettings, writeTargetSettings } from './target-settings.sql.js';

const NO_RESTRICTION: TargetSettings = { allowedHosts: [], allowedSchemes: [] };

/** Where the codes of each workspace may lead. */
@Injectable()
export class TargetSettingsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly config: SignetConfig,
    private readonly domains: DomainLookup,
  ) {}

  async get({ workspaceId }: Caller): Promise<TargetSettings> {
    return (await readTargetSettings(this.dataSource.manager, workspaceId)) ?? NO_RESTRICTION;
  }

  /** For codes that are issued or edited from now on. */
  async put(caller: Caller, { body }: InputOf<'putTargetSettings'>): Promise<TargetSettings> {
    const { workspaceId, actor, requestId } = caller;
    await this.dataSource.transaction(async (manager) => {
      await writeTargetSettings(manager, workspaceId, body);
      const at = this.clock.now();
      await appendAudit(manager, { at, workspaceId, actor, action: 'settings.targets.update', requestId });
    });
    return body;
  }

  /** @param manager of the transaction that issues or changes a code */
  async rulesOf(manager: EntityManager, workspaceId: string): Promise<TargetRules> {
    const settings = (await readTargetSettings(manager, workspaceId)) ?? NO_RESTRICTION;
    const { publicUrl } = this.config;
    const domains = await this.domains.hostsOf(manager, workspaceId);
    const origins = [publicUrl, ...domains.map((host) => originOf(host, publicUrl))];
    return { ...settings, ownHosts: new Set(origins.map(authorityOf)) };
  }
}
