import type { PageBrand } from '@signet/contracts';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { lru } from 'tiny-lru';
import { toPageBrand } from './brand.js';
import { readLogo, type KnownBrand, type Logo, type Site } from './directory.sql.js';

/** Of at most 256 KB each. */
const MAX_LOGOS = 64;

/** What decides which brand a page has; of an unknown slug only the site is known. */
export interface Branded {
  /** The code's own. */
  brandId?: string | undefined;
  /** The code's workspace. */
  workspaceId?: string | undefined;
  site?: Site | undefined;
}

/** The brands of all workspaces, as pages show them, and their logos. */
@Injectable()
export class BrandDirectory {
  private brands = new Map<string, KnownBrand>();
  private defaults = new Map<string, KnownBrand>();
  private readonly logos = lru<Logo>(MAX_LOGOS);

  constructor(private readonly dataSource: DataSource) {}

  /** The code's brand, else that of its domain, else its workspace's default one. */
  brandOf({ brandId, workspaceId, site }: Branded): PageBrand | undefined {
    const owner = workspaceId ?? site?.workspaceId;
    const brand =
      this.find(brandId, owner) ??
      this.find(site?.defaultBrandId ?? undefined, owner) ??
      this.defaults.get(owner ?? '');
    return brand && toPageBrand(brand);
  }

  /** @returns undefined unless it is the logo that the brand has now; PostgreSQL is asked once for each */
  async logoOf(brandId: string, revision: number): Promise<Logo | undefined> {
    const brand = this.brands.get(brandId);
    if (!brand?.hasLogo || brand.logoRevision !== revision) return undefined;
    const path = `${brandId}/${revision}`;
    const known = this.logos.get(path);
    if (known) return known;
    const logo = await readLogo(this.dataSource.manager, brandId, revision);
    if (logo) this.logos.set(path, logo);
    return logo;
  }

  replace(brands: readonly KnownBrand[]): void {
    this.brands = new Map(brands.map((brand) => [brand.id, brand]));
    this.defaults = new Map(brands.filter(({ isDefault }) => isDefault).map((brand) => [brand.workspaceId, brand]));
  }

  private find(id: string | undefined, workspaceId: string | undefined): KnownBrand | undefined {
    const brand = id === undefined ? undefined : this.brands.get(id);
    return brand?.workspaceId === workspaceId ? brand : undefined;
  }
}
