import { Idempotency } from '@signet/access';
import { appendAudit } from '@signet/audit';
import type { Brand, InputOf } from '@signet/contracts';
import { Clock, decodeCursor, ifMatchAllows, SignetError, toPage, versionTag, type Caller } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { applyBrandUpdate, newBrand, toBrand, type StoredBrand } from './brand.js';
import {
  clearDefaultBrand,
  deleteBrand,
  deleteLogo,
  findBrand,
  insertBrand,
  listBrands,
  storeLogo,
  updateBrand,
} from './brands.sql.js';
import { raiseRevision, type Logo } from './directory.sql.js';
import { ListPositionSchema, type Page } from './domains.service.js';
import { awaitWorkspaceTurn, forgetDefaultBrand } from './domains.sql.js';

type Change = 'create' | 'update' | 'delete' | 'logo';
interface Which {
  id: string;
  ifMatch: string | undefined;
}

/** How the pages of a workspace look. */
@Injectable()
export class BrandsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly idempotency: Idempotency,
  ) {}

  /** @throws SignetError `idempotency-conflict` */
  create(caller: Caller, key: string | undefined, { body }: InputOf<'createBrand'>): Promise<Brand> {
    const { workspaceId } = caller;
    return this.dataSource.transaction(async (manager) => {
      await awaitWorkspaceTurn(manager, workspaceId);
      return this.idempotency.once(manager, { caller, operation: 'createBrand', key, request: body }, async () => {
        const at = this.clock.now();
        const brand = newBrand(body, { workspaceId, at });
        if (brand.isDefault) await clearDefaultBrand(manager, workspaceId, at);
        await insertBrand(manager, brand);
        return this.conclude(manager, caller, { brand, change: 'create' });
      });
    });
  }

  async list({ workspaceId }: Caller, { query }: InputOf<'listBrands'>): Promise<Page<Brand>> {
    const after = decodeCursor(query.cursor, ListPositionSchema);
    const brands = await listBrands(this.dataSource.manager, { workspaceId, after, limit: query.limit + 1 });
    const page = toPage(brands, query.limit, ({ createdAt, id }) => ({ createdAt, id }));
    return { ...page, items: page.items.map(toBrand) };
  }

  /** @throws SignetError `not-found`, also for another workspace's brand */
  async get(caller: Caller, id: string): Promise<Brand> {
    return toBrand(await find(this.dataSource.manager, caller, id));
  }

  /** @throws SignetError `not-found` | `version-mismatch` */
  update(caller: Caller, { params, body }: InputOf<'updateBrand'>, ifMatch: string | undefined): Promise<Brand> {
    return this.change(caller, { id: params.id, ifMatch }, async (manager, before) => {
      const brand = applyBrandUpdate(before, body);
      if (brand.isDefault && !before.isDefault) await clearDefaultBrand(manager, caller.workspaceId, this.clock.now());
      return this.store(manager, caller, { brand, change: 'update' });
    });
  }

  /** Its domains have none then; its codes keep its id, which leads to the default one. @throws as `update` */
  async delete(caller: Caller, which: Which): Promise<void> {
    await this.change(caller, which, async (manager, brand) => {
      await forgetDefaultBrand(manager, brand.id, this.clock.now());
      await deleteBrand(manager, brand.id);
      return this.conclude(manager, caller, { brand, change: 'delete' });
    });
  }

  /** @throws as `update` */
  putLogo(caller: Caller, which: Which, logo: Logo): Promise<Brand> {
    return this.change(caller, which, async (manager, before) => {
      const brand = { ...before, logoRevision: before.logoRevision + 1, hasLogo: true };
      await storeLogo(manager, brand, logo);
      return this.store(manager, caller, { brand, change: 'logo' });
    });
  }

  /** @throws as `update` */
  deleteLogo(caller: Caller, which: Which): Promise<Brand> {
    return this.change(caller, which, async (manager, before) => {
      await deleteLogo(manager, before.id);
      return this.store(manager, caller, { brand: { ...before, hasLogo: false }, change: 'logo' });
    });
  }

  private change<Answer>(
    caller: Caller,
    { id, ifMatch }: Which,
    work: (manager: EntityManager, brand: StoredBrand) => Promise<Answer>,
  ): Promise<Answer> {
    return this.dataSource.transaction(async (manager) => {
      await awaitWorkspaceTurn(manager, caller.workspaceId);
      const brand = await find(manager, caller, id);
      if (!ifMatchAllows(ifMatch, versionTag(brand.version)))
        throw new SignetError('version-mismatch', { detail: `The brand is at version ${brand.version}` });
      return work(manager, brand);
    });
  }

  private async store(
    manager: EntityManager,
    caller: Caller,
    { brand, change }: { brand: StoredBrand; change: Change },
  ): Promise<Brand> {
    const next = { ...brand, version: brand.version + 1, updatedAt: this.clock.now().toISOString() };
    await updateBrand(manager, next);
    return this.conclude(manager, caller, { brand: next, change });
  }

  private async conclude(
    manager: EntityManager,
    { workspaceId, actor, requestId }: Caller,
    { brand, change }: { brand: StoredBrand; change: Change },
  ): Promise<Brand> {
    await raiseRevision(manager);
    const at = this.clock.now();
    await appendAudit(manager, { at, workspaceId, actor, action: `brand.${change}`, brandId: brand.id, requestId });
    return toBrand(brand);
  }
}

async function find(manager: EntityManager, { workspaceId }: Caller, id: string): Promise<StoredBrand> {
  const brand = await findBrand(manager, workspaceId, id);
  if (!brand) throw new SignetError('not-found');
  return brand;
}
