import type { EntityManager } from 'typeorm';
import type { StoredBrand } from './brand.js';
import type { Logo } from './directory.sql.js';
import type { ListPosition } from './domains.sql.js';

const COLUMNS = `id, workspace_id, name, primary_color, website, support_email, support_url, is_default, logo_revision,
  has_logo, version, created_at, updated_at`;

interface BrandRow {
  id: string;
  workspace_id: string;
  name: string;
  primary_color: string;
  website: string | null;
  support_email: string | null;
  support_url: string | null;
  is_default: boolean;
  logo_revision: number;
  has_logo: boolean;
  version: number;
  created_at: Date;
  updated_at: Date;
}

const toStoredBrand = (row: BrandRow): StoredBrand => ({
  id: row.id,
  workspaceId: row.workspace_id,
  name: row.name,
  primaryColor: row.primary_color,
  website: row.website,
  supportEmail: row.support_email,
  supportUrl: row.support_url,
  isDefault: row.is_default,
  logoRevision: row.logo_revision,
  hasLogo: row.has_logo,
  version: row.version,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
});

export async function insertBrand(manager: EntityManager, brand: StoredBrand): Promise<void> {
  await manager.query(
    `INSERT INTO domains.brands (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      brand.id,
      brand.workspaceId,
      brand.name,
      brand.primaryColor,
      brand.website,
      brand.supportEmail,
      brand.supportUrl,
      brand.isDefault,
      brand.logoRevision,
      brand.hasLogo,
      brand.version,
      brand.createdAt,
      brand.updatedAt,
    ],
  );
}

export async function findBrand(
  manager: EntityManager,
  workspaceId: string,
  id: string,
): Promise<StoredBrand | undefined> {
  const [row]: BrandRow[] = await manager.query(
    `SELECT ${COLUMNS} FROM domains.brands WHERE workspace_id = $1 AND id = $2`,
    [workspaceId, id],
  );
  return row && toStoredBrand(row);
}

export async function brandExists(manager: EntityManager, workspaceId: string, id: string): Promise<boolean> {
  const rows: unknown[] = await manager.query('SELECT id FROM domains.brands WHERE workspace_id = $1 AND id = $2', [
    workspaceId,
    id,
  ]);
  return rows.length > 0;
}

/** Oldest first. */
export async function listBrands(
  manager: EntityManager,
  { workspaceId, after, limit }: { workspaceId: string; after?: ListPosition; limit: number },
): Promise<StoredBrand[]> {
  const rows: BrandRow[] = await manager.query(
    `SELECT ${COLUMNS} FROM domains.brands
     WHERE workspace_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) > ($2::timestamptz, $3::uuid))
     ORDER BY created_at, id LIMIT $4`,
    [workspaceId, after?.createdAt ?? null, after?.id ?? null, limit],
  );
  return rows.map(toStoredBrand);
}

/** Stores the next version of a brand. */
export async function updateBrand(manager: EntityManager, brand: StoredBrand): Promise<void> {
  await manager.query(
    `UPDATE domains.brands SET name = $2, primary_color = $3, website = $4, support_email = $5, support_url = $6,
       is_default = $7, logo_revision = $8, has_logo = $9, version = $10, updated_at = $11
     WHERE id = $1`,
    [
      brand.id,
      brand.name,
      brand.primaryColor,
      brand.website,
      brand.supportEmail,
      brand.supportUrl,
      brand.isDefault,
      brand.logoRevision,
      brand.hasLogo,
      brand.version,
      brand.updatedAt,
    ],
  );
}

/** Makes room for another default. */
export async function clearDefaultBrand(manager: EntityManager, workspaceId: string, at: Date): Promise<void> {
  await manager.query(
    `UPDATE domains.brands SET is_default = false, version = version + 1, updated_at = $2
     WHERE workspace_id = $1 AND is_default`,
    [workspaceId, at],
  );
}

/** With its logo. */
export async function deleteBrand(manager: EntityManager, id: string): Promise<void> {
  await manager.query('DELETE FROM domains.brands WHERE id = $1', [id]);
}

/** In place of the one before. */
export async function storeLogo(
  manager: EntityManager,
  { id, logoRevision }: Pick<StoredBrand, 'id' | 'logoRevision'>,
  { contentType, bytes }: Logo,
): Promise<void> {
  await manager.query(
    `INSERT INTO domains.logos (brand_id, revision, content_type, bytes) VALUES ($1, $2, $3, $4)
     ON CONFLICT (brand_id) DO UPDATE SET revision = excluded.revision, content_type = excluded.content_type,
       bytes = excluded.bytes`,
    [id, logoRevision, contentType, bytes],
  );
}

export async function deleteLogo(manager: EntityManager, brandId: string): Promise<void> {
  await manager.query('DELETE FROM domains.logos WHERE brand_id = $1', [brandId]);
}
