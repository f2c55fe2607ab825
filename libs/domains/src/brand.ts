import type { Brand, CreateBrand, PageBrand, UpdateBrand } from '@signet/contracts';
import { newId } from '@signet/platform';

/** A brand as PostgreSQL has it, without the bytes of its logo; times as in the API. */
export interface StoredBrand {
  id: string;
  workspaceId: string;
  name: string;
  primaryColor: string;
  website: string | null;
  supportEmail: string | null;
  supportUrl: string | null;
  isDefault: boolean;
  /** Part of the logo's path: raised by each upload, and never used again. */
  logoRevision: number;
  hasLogo: boolean;
  version: number;
  createdAt: string;
  updatedAt: string;
}

export const newBrand = (
  { name, primaryColor, website = null, supportEmail = null, supportUrl = null, isDefault = false }: CreateBrand,
  { workspaceId, at }: { workspaceId: string; at: Date },
): StoredBrand => ({
  id: newId(),
  workspaceId,
  name,
  primaryColor,
  website,
  supportEmail,
  supportUrl,
  isDefault,
  logoRevision: 0,
  hasLogo: false,
  version: 1,
  createdAt: at.toISOString(),
  updatedAt: at.toISOString(),
});

export function applyBrandUpdate(brand: StoredBrand, body: UpdateBrand): StoredBrand {
  const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
  return { ...brand, ...given };
}

type Shown = Pick<
  StoredBrand,
  'id' | 'name' | 'primaryColor' | 'website' | 'supportEmail' | 'supportUrl' | 'logoRevision' | 'hasLogo'
>;

/** What pages show of a brand. Its logo comes from the page's own origin, whichever domain that is. */
export const toPageBrand = (brand: Shown): PageBrand => ({
  name: brand.name,
  primaryColor: brand.primaryColor,
  logoUrl: brand.hasLogo ? `/assets/brands/${brand.id}/${brand.logoRevision}` : null,
  website: brand.website,
  supportEmail: brand.supportEmail,
  supportUrl: brand.supportUrl,
});

/** The brand as its workspace sees it. */
export const toBrand = (brand: StoredBrand): Brand => ({
  ...toPageBrand(brand),
  id: brand.id,
  isDefault: brand.isDefault,
  version: brand.version,
  createdAt: brand.createdAt,
  updatedAt: brand.updatedAt,
});
