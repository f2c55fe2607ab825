import { Idempotency } from '@signet/access';
import { appendAudit } from '@signet/audit';
import type { Domain, InputOf } from '@signet/contracts';
import {
  Clock,
  decodeCursor,
  ifMatchAllows,
  SignetConfig,
  SignetError,
  toPage,
  versionTag,
  type Caller,
} from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, QueryFailedError, type EntityManager } from 'typeorm';
import { z } from 'zod';
import { brandExists } from './brands.sql.js';
import { applyDomainUpdate, newDomain, refused, toDomain, type StoredDomain } from './domain.js';
import { DomainProof } from './domain-proof.js';
import {
  awaitWorkspaceTurn,
  clearDefaultDomain,
  deleteDomain,
  findDomain,
  insertDomain,
  isHostActive,
  listDomains,
  updateDomain,
} from './domains.sql.js';
import { raiseRevision } from './directory.sql.js';

export interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}

type Change = 'create' | 'update' | 'delete' | 'verify';

export const ListPositionSchema = z.strictObject({ createdAt: z.iso.datetime(), id: z.uuid() });

/** The short domains of workspaces. */
@Injectable()
export class DomainsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly config: SignetConfig,
    private readonly idempotency: Idempotency,
    private readonly proof: DomainProof,
  ) {}

  /** @throws SignetError `host-taken` | `invalid-request` | `idempotency-conflict` */
  create(caller: Caller, key: string | undefined, { body }: InputOf<'createDomain'>): Promise<Domain> {
    return this.dataSource.transaction(async (manager) => {
      await awaitWorkspaceTurn(manager, caller.workspaceId);
      return this.idempotency.once(manager, { caller, operation: 'createDomain', key, request: body }, async () => {
        const at = this.clock.now();
        const { workspaceId } = caller;
        const isProofNeeded = this.config.values.SIGNET_VERIFY_DOMAINS;
        const domain = newDomain(body, { workspaceId, at, publicUrl: this.config.publicUrl, isProofNeeded });
        await this.checkBrand(manager, domain);
        if (domain.isDefault) await clearDefaultDomain(manager, workspaceId, at);
        const isTaken = await isHostActive(manager, domain.host);
        if (isTaken || !(await insertDomain(manager, domain))) throw new SignetError('host-taken');
        return this.conclude(manager, caller, { domain, change: 'create' });
      });
    });
  }

  async list({ workspaceId }: Caller, { query }: InputOf<'listDomains'>): Promise<Page<Domain>> {
    const after = decodeCursor(query.cursor, ListPositionSchema);
    const domains = await listDomains(this.dataSource.manager, { workspaceId, after, limit: query.limit + 1 });
    const page = toPage(domains, query.limit, ({ createdAt, id }) => ({ createdAt, id }));
    return { ...page, items: page.items.map(toDomain) };
  }

  /** @throws SignetError `not-found`, also for another workspace's domain */
  async get(caller: Caller, id: string): Promise<Domain> {
    return toDomain(await find(this.dataSource.manager, caller, id));
  }

  /** @throws SignetError `not-found` | `version-mismatch` | `domain-not-verified` | `invalid-request` */
  update(caller: Caller, { params, body }: InputOf<'updateDomain'>, ifMatch: string | undefined): Promise<Domain> {
    return this.change(caller, { id: params.id, ifMatch }, async (manager, before) => {
      const after = applyDomainUpdate(before, body);
      if (after.isDefault && !after.isActive) throw new SignetError('domain-not-verified');
      if (after.defaultBrandId !== before.defaultBrandId) await this.checkBrand(manager, after);
      if (after.isDefault && !before.isDefault) await clearDefaultDomain(manager, caller.workspaceId, this.clock.now());
      return this.store(manager, caller, { domain: after, change: 'update' });
    });
  }

  /**
   * Asks the DNS, outside any transaction, and makes the domain active when the record is there.
   * @throws SignetError `not-found` | `domain-not-verified` | `host-taken` | `unavailable`
   */
  async verify(caller: Caller, id: string): Promise<Domain> {
    await this.proof.check(await find(this.dataSource.manager, caller, id));
    return this.change(caller, { id, ifMatch: undefined }, async (manager, before) => {
      if (before.isActive) return toDomain(before);
      if (await isHostActive(manager, before.host)) throw new SignetError('host-taken');
      const domain = { ...before, isActive: true, token: null };
      return this.store(manager, caller, { domain, change: 'verify' });
    });
  }

  /** @throws SignetError `not-found` | `version-mismatch` | `domain-in-use` */
  async delete(caller: Caller, id: string, ifMatch: string | undefined): Promise<void> {
    await this.change(caller, { id, ifMatch }, async (manager, domain) => {
      await deleteDomain(manager, id);
      return this.conclude(manager, caller, { domain, change: 'delete' });
    });
  }

  private async change<Answer>(
    caller: Caller,
    { id, ifMatch }: { id: string; ifMatch: string | undefined },
    work: (manager: EntityManager, domain: StoredDomain) => Promise<Answer>,
  ): Promise<Answer> {
    try {
      return await this.dataSource.transaction(async (manager) => {
        await awaitWorkspaceTurn(manager, caller.workspaceId);
        const domain = await find(manager, caller, id);
        if (!ifMatchAllows(ifMatch, versionTag(domain.version)))
          throw new SignetError('version-mismatch', { detail: `The domain is at version ${domain.version}` });
        return work(manager, domain);
      });
    } catch (error) {
      throw asRefusal(error);
    }
  }

  private async store(
    manager: EntityManager,
    caller: Caller,
    { domain, change }: { domain: StoredDomain; change: Change },
  ): Promise<Domain> {
    const next = { ...domain, version: domain.version + 1, updatedAt: this.clock.now().toISOString() };
    await updateDomain(manager, next);
    return this.conclude(manager, caller, { domain: next, change });
  }

  private async conclude(
    manager: EntityManager,
    { workspaceId, actor, requestId }: Caller,
    { domain, change }: { domain: StoredDomain; change: Change },
  ): Promise<Domain> {
    await raiseRevision(manager);
    const at = this.clock.now();
    const action = `domain.${change}`;
    await appendAudit(manager, { at, workspaceId, actor, action, domainId: domain.id, requestId });
    return toDomain(domain);
  }

  private async checkBrand(manager: EntityManager, { workspaceId, defaultBrandId }: StoredDomain): Promise<void> {
    if (defaultBrandId === null || (await brandExists(manager, workspaceId, defaultBrandId))) return;
    throw refused('defaultBrandId', 'must be a brand of this workspace');
  }
}

async function find(manager: EntityManager, { workspaceId }: Caller, id: string): Promise<StoredDomain> {
  const domain = await findDomain(manager, workspaceId, id);
  if (!domain) throw new SignetError('not-found');
  return domain;
}

/** The database has the last word on hosts (a twin that verified at once) and on codes that are issued meanwhile. */
function asRefusal(error: unknown): unknown {
  if (!(error instanceof QueryFailedError) || !('code' in error.driverError)) return error;
  if (error.driverError.code === '23503')
    return new SignetError('domain-in-use', { detail: 'Archive its codes first: printed ones lead there' });
  return error.driverError.code === '23505' ? new SignetError('host-taken') : error;
}
