import { randomBytes } from 'node:crypto';
import { normalizeHost, type AppLinks, type CreateDomain, type Domain, type UpdateDomain } from '@signet/contracts';
import { newId, SignetError } from '@signet/platform';

/** A domain as PostgreSQL has it; times as in the API. */
export interface StoredDomain {
  id: string;
  workspaceId: string;
  /** As `normalizeHost` has it: printed codes lead there, so it never changes. */
  host: string;
  isActive: boolean;
  /** What the DNS record must have while the domain is not active; null: nothing is to be shown. */
  token: string | null;
  /** Never changes either: it says under which keys the domain's codes are found. */
  caseSensitive: boolean;
  slugLength: number;
  defaultBrandId: string | null;
  notFoundUrl: string | null;
  appLinks: AppLinks | null;
  isDefault: boolean;
  version: number;
  createdAt: string;
  updatedAt: string;
}

export const DEFAULT_SLUG_LENGTH = 8;
const TOKEN_BYTES = 16;

/** @returns a token that nobody can guess */
const newToken = (): string => randomBytes(TOKEN_BYTES).toString('base64url');

/** @param isProofNeeded whether the workspace has to show that the host is its own */
export function newDomain(
  body: CreateDomain,
  { workspaceId, at, publicUrl, isProofNeeded }: NewDomainContext,
): StoredDomain {
  const { caseSensitive, slugLength = DEFAULT_SLUG_LENGTH } = body;
  const { defaultBrandId = null, notFoundUrl = null, appLinks = null } = body;
  const isDefault = body.isDefault ?? false;
  const host = hostOf(body.host, publicUrl);
  checkNotFoundUrl(host, notFoundUrl);
  if (isDefault && isProofNeeded) throw refused('isDefault', 'can be set once the domain is verified');
  return {
    id: newId(),
    workspaceId,
    host,
    isActive: !isProofNeeded,
    token: isProofNeeded ? newToken() : null,
    caseSensitive,
    slugLength,
    defaultBrandId,
    notFoundUrl,
    appLinks,
    isDefault,
    version: 1,
    createdAt: at.toISOString(),
    updatedAt: at.toISOString(),
  };
}

interface NewDomainContext {
  workspaceId: string;
  at: Date;
  publicUrl: string;
  isProofNeeded: boolean;
}

/**
 * The host of a domain. All short URLs have the scheme and the port of the installation's own, because the same front
 * answers them; naming that port, as at a developer's, is no mistake.
 * @throws SignetError `host-taken` for the installation's own; `invalid-request` for another port
 */
function hostOf(text: string, publicUrl: string): string {
  const host = normalizeHost(text);
  if (host === undefined) throw refused('host', 'must be a host name');
  const own = new URL(publicUrl);
  const [, port] = /:(\d+)$/.exec(text) ?? [];
  const ownPort = own.port || (own.protocol === 'https:' ? '443' : '80');
  if (port !== undefined && port !== ownPort) throw refused('host', 'must not have a port');
  if (host === own.hostname) throw new SignetError('host-taken', { detail: `${host} is the installation’s own` });
  return host;
}

/** An unknown slug that leads to another unknown slug would go round for ever. @throws SignetError `invalid-request` */
function checkNotFoundUrl(host: string, url: string | null | undefined): void {
  if (url === null || url === undefined || normalizeHost(new URL(url).host) !== host) return;
  throw refused('notFoundUrl', 'must not lead back to the domain');
}

/** @throws SignetError `invalid-request` */
export function applyDomainUpdate(domain: StoredDomain, body: UpdateDomain): StoredDomain {
  const { defaultBrandId, notFoundUrl, appLinks, slugLength, isDefault } = body;
  checkNotFoundUrl(domain.host, notFoundUrl);
  return {
    ...domain,
    defaultBrandId: defaultBrandId === undefined ? domain.defaultBrandId : defaultBrandId,
    notFoundUrl: notFoundUrl === undefined ? domain.notFoundUrl : notFoundUrl,
    appLinks: appLinks === undefined ? domain.appLinks : appLinks,
    slugLength: slugLength ?? domain.slugLength,
    isDefault: isDefault ?? domain.isDefault,
  };
}

/** The TXT record that shows whose a host is. */
export const proofOf = ({ host, token }: Pick<StoredDomain, 'host' | 'token'>): Domain['verification'] =>
  token === null ? null : { type: 'TXT', name: `_signet.${host}`, value: `signet-domain=${token}` };

/** The domain as its workspace sees it. */
export const toDomain = (domain: StoredDomain): Domain => ({
  id: domain.id,
  host: domain.host,
  status: domain.isActive ? 'active' : 'pending',
  verification: proofOf(domain),
  caseSensitive: domain.caseSensitive,
  slugLength: domain.slugLength,
  defaultBrandId: domain.defaultBrandId,
  notFoundUrl: domain.notFoundUrl,
  appLinks: domain.appLinks,
  isDefault: domain.isDefault,
  version: domain.version,
  createdAt: domain.createdAt,
  updatedAt: domain.updatedAt,
});

export const refused = (path: string, message: string): SignetError =>
  new SignetError('invalid-request', { detail: `${path}: ${message}`, errors: [{ path, message }] });
