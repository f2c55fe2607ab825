import type { AppLinks } from '@signet/contracts';
import type { EntityManager } from 'typeorm';

/** Says that something of the directories has changed; changes of domains and brands commit one after the other. */
export async function raiseRevision(manager: EntityManager): Promise<void> {
  await manager.query('UPDATE domains.revision SET revision = revision + 1');
}

/** @returns a number that is another one after each change */
export async function readRevision(manager: EntityManager): Promise<string> {
  const [row]: { revision: string }[] = await manager.query('SELECT revision::text AS revision FROM domains.revision');
  return row?.revision ?? '';
}

/** A short domain as the redirect knows it. */
export interface Site {
  id: string;
  workspaceId: string;
  host: string;
  caseSensitive: boolean;
  defaultBrandId: string | null;
  notFoundUrl: string | null;
  appLinks: AppLinks | null;
}

export async function readSites(manager: EntityManager): Promise<Site[]> {
  return manager.query(
    `SELECT id, workspace_id AS "workspaceId", host, case_sensitive AS "caseSensitive",
       default_brand_id AS "defaultBrandId", not_found_url AS "notFoundUrl", app_links AS "appLinks"
     FROM domains.domains WHERE is_active`,
  );
}

/** A brand as the redirect knows it. */
export interface KnownBrand {
  id: string;
  workspaceId: string;
  name: string;
  primaryColor: string;
  website: string | null;
  supportEmail: string | null;
  supportUrl: string | null;
  isDefault: boolean;
  logoRevision: number;
  hasLogo: boolean;
}

export async function readBrands(manager: EntityManager): Promise<KnownBrand[]> {
  return manager.query(
    `SELECT id, workspace_id AS "workspaceId", name, primary_color AS "primaryColor", website,
       support_email AS "supportEmail", support_url AS "supportUrl", is_default AS "isDefault",
       logo_revision AS "logoRevision", has_logo AS "hasLogo"
     FROM domains.brands`,
  );
}

export interface Logo {
  contentType: string;
  bytes: Buffer;
}

export async function readLogo(manager: EntityManager, brandId: string, revision: number): Promise<Logo | undefined> {
  const [row]: { content_type: string; bytes: Buffer }[] = await manager.query(
    'SELECT content_type, bytes FROM domains.logos WHERE brand_id = $1 AND revision = $2',
    [brandId, revision],
  );
  return row && { contentType: row.content_type, bytes: Buffer.from(row.bytes) };
}
