import type { AppLinks } from '@signet/contracts';
import type { EntityManager } from 'typeorm';
import type { StoredDomain } from './domain.js';

const COLUMNS = `id, workspace_id, host, is_active, token, case_sensitive, slug_length, default_brand_id, not_found_url,
  app_links, is_default, version, created_at, updated_at`;

interface DomainRow {
  id: string;
  workspace_id: string;
  host: string;
  is_active: boolean;
  token: string | null;
  case_sensitive: boolean;
  slug_length: number;
  default_brand_id: string | null;
  not_found_url: string | null;
  app_links: AppLinks | null;
  is_default: boolean;
  version: number;
  created_at: Date;
  updated_at: Date;
}

const toStoredDomain = (row: DomainRow): StoredDomain => ({
  id: row.id,
  workspaceId: row.workspace_id,
  host: row.host,
  isActive: row.is_active,
  token: row.token,
  caseSensitive: row.case_sensitive,
  slugLength: row.slug_length,
  defaultBrandId: row.default_brand_id,
  notFoundUrl: row.not_found_url,
  appLinks: row.app_links,
  isDefault: row.is_default,
  version: row.version,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
});

/** @returns whether it was stored; false when the host is somebody's, or this workspace's already */
export async function insertDomain(manager: EntityManager, domain: StoredDomain): Promise<boolean> {
  const rows: unknown[] = await manager.query(
    `INSERT INTO domains.domains (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
     ON CONFLICT DO NOTHING RETURNING id`,
    [
      domain.id,
      domain.workspaceId,
      domain.host,
      domain.isActive,
      domain.token,
      domain.caseSensitive,
      domain.slugLength,
      domain.defaultBrandId,
      domain.notFoundUrl,
      domain.appLinks,
      domain.isDefault,
      domain.version,
      domain.createdAt,
      domain.updatedAt,
    ],
  );
  return rows.length > 0;
}

/** Takes turns with whoever changes the domains and brands of this workspace, so that one default follows the other. */
export async function awaitWorkspaceTurn(manager: EntityManager, workspaceId: string): Promise<void> {
  await manager.query("SELECT pg_advisory_xact_lock(hashtextextended('domains ' || $1, 0))", [workspaceId]);
}

export async function findDomain(
  manager: EntityManager,
  workspaceId: string,
  id: string,
): Promise<StoredDomain | undefined> {
  const [row]: DomainRow[] = await manager.query(
    `SELECT ${COLUMNS} FROM domains.domains WHERE workspace_id = $1 AND id = $2`,
    [workspaceId, id],
  );
  return row && toStoredDomain(row);
}

export interface ListPosition {
  createdAt: string;
  id: string;
}

/** Oldest first. */
export async function listDomains(
  manager: EntityManager,
  { workspaceId, after, limit }: { workspaceId: string; after?: ListPosition; limit: number },
): Promise<StoredDomain[]> {
  const rows: DomainRow[] = await manager.query(
    `SELECT ${COLUMNS} FROM domains.domains
     WHERE workspace_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) > ($2::timestamptz, $3::uuid))
     ORDER BY created_at, id LIMIT $4`,
    [workspaceId, after?.createdAt ?? null, after?.id ?? null, limit],
  );
  return rows.map(toStoredDomain);
}

/** Stores the next version of a domain; host and case stay as they are. */
export async function updateDomain(manager: EntityManager, domain: StoredDomain): Promise<void> {
  await manager.query(
    `UPDATE domains.domains SET is_active = $2, token = $3, slug_length = $4, default_brand_id = $5, not_found_url = $6,
       is_default = $7, version = $8, updated_at = $9, app_links = $10
     WHERE id = $1`,
    [
      domain.id,
      domain.isActive,
      domain.token,
      domain.slugLength,
      domain.defaultBrandId,
      domain.notFoundUrl,
      domain.isDefault,
      domain.version,
      domain.updatedAt,
      domain.appLinks,
    ],
  );
}

/** Makes room for another default. */
export async function clearDefaultDomain(manager: EntityManager, workspaceId: string, at: Date): Promise<void> {
  await manager.query(
    `UPDATE domains.domains SET is_default = false, version = version + 1, updated_at = $2
     WHERE workspace_id = $1 AND is_default`,
    [workspaceId, at],
  );
}

/** Takes a brand that is about to go from the domains that have it. */
export async function forgetDefaultBrand(manager: EntityManager, brandId: string, at: Date): Promise<void> {
  await manager.query(
    `UPDATE domains.domains SET default_brand_id = NULL, version = version + 1, updated_at = $2 WHERE default_brand_id = $1`,
    [brandId, at],
  );
}

/** Fails with a violated foreign key while codes that are not archived are on it. */
export async function deleteDomain(manager: EntityManager, id: string): Promise<void> {
  await manager.query('DELETE FROM domains.domains WHERE id = $1', [id]);
}

export async function isHostActive(manager: EntityManager, host: string): Promise<boolean> {
  const rows: unknown[] = await manager.query('SELECT id FROM domains.domains WHERE host = $1 AND is_active', [host]);
  return rows.length > 0;
}

/** Those of a workspace, which its codes must not lead back to. */
export async function findActiveHosts(manager: EntityManager, workspaceId: string): Promise<string[]> {
  const rows: { host: string }[] = await manager.query(
    'SELECT host FROM domains.domains WHERE workspace_id = $1 AND is_active',
    [workspaceId],
  );
  return rows.map(({ host }) => host);
}

/** What is needed to issue a code on a domain. */
export type CodeDomain = Pick<StoredDomain, 'id' | 'host' | 'caseSensitive' | 'slugLength'>;

type CodeDomainRow = Pick<DomainRow, 'id' | 'host' | 'case_sensitive' | 'slug_length'>;
const toCodeDomain = (row: CodeDomainRow): CodeDomain => ({
  id: row.id,
  host: row.host,
  caseSensitive: row.case_sensitive,
  slugLength: row.slug_length,
});

/** A domain on which codes can be issued, kept from being removed until the transaction ends. */
export async function lockDomainOfHost(
  manager: EntityManager,
  workspaceId: string,
  host: string,
): Promise<CodeDomain | undefined> {
  const [row]: CodeDomainRow[] = await manager.query(
    `SELECT id, host, case_sensitive, slug_length FROM domains.domains
     WHERE workspace_id = $1 AND host = $2 AND is_active FOR KEY SHARE`,
    [workspaceId, host],
  );
  return row && toCodeDomain(row);
}

/** As `lockDomainOfHost`, for codes that name none. */
export async function lockDefaultDomain(manager: EntityManager, workspaceId: string): Promise<CodeDomain | undefined> {
  const [row]: CodeDomainRow[] = await manager.query(
    `SELECT id, host, case_sensitive, slug_length FROM domains.domains
     WHERE workspace_id = $1 AND is_default FOR KEY SHARE`,
    [workspaceId],
  );
  return row && toCodeDomain(row);
}

/** As `lockDomainOfHost`, for a code that takes the place of another. */
export async function lockDomainOfId(
  manager: EntityManager,
  workspaceId: string,
  id: string,
): Promise<CodeDomain | undefined> {
  const [row]: CodeDomainRow[] = await manager.query(
    `SELECT id, host, case_sensitive, slug_length FROM domains.domains
     WHERE workspace_id = $1 AND id = $2 AND is_active FOR KEY SHARE`,
    [workspaceId, id],
  );
  return row && toCodeDomain(row);
}
