import {
  isProtected,
  type Code,
  type CodeEvent,
  type CodeKind,
  type CodeSnapshot,
  type CodeStatus,
  type CodeTarget,
  type Rule,
  type TargetHealth,
  type Utm,
} from '@signet/contracts';
import { PROTECTED_SLUG_LENGTH } from './slug.js';
import { targetHostOf } from './target-safety.js';

export type CodeStoredState = CodeSnapshot['state'];
export type ClaimMode = 'interstitial' | 'direct';

/** A code as PostgreSQL has it; times as in the API. */
export interface StoredCode {
  id: string;
  workspaceId: string;
  /** Null for the kinds whose slug is a secret (enrollment, sign-in): only its hash is stored. */
  slug: string | null;
  slugKey: string;
  /** Null: the installation's own. */
  domainId: string | null;
  /** The host of the domain, which never changes. */
  domain: string | null;
  kind: CodeKind;
  state: CodeStoredState;
  version: number;
  target: CodeTarget;
  title: string | null;
  notes: string | null;
  tags: string[];
  folder: string | null;
  campaign: string | null;
  owner: string | null;
  brandId: string | null;
  activeFrom: string | null;
  expiresAt: string | null;
  maxScans: number | null;
  /** What was asked for; null: `claimModeOf` says which it is. */
  claimMode: ClaimMode | null;
  rules: Rule[];
  forwardQuery: boolean;
  utm: Utm | null;
  offUrl: string | null;
  /** Argon2id in PHC format. Not an editable field as the others are: no history and no event may have it. */
  passwordHash: string | null;
  /** Null: not checked yet, or not since the targets were edited. */
  targetHealth: TargetHealth | null;
  scansUsed: number;
  /** Counted elsewhere, before the code came here; nothing adds to it. */
  importedScans: number;
  createdAt: string;
  updatedAt: string;
  createdBy: string;
  revokedReason: string | null;
  /** The code that this one was issued in place of, and the one that was issued in place of this one. */
  reissuedFrom: string | null;
  reissuedAs: string | null;
}

/**
 * The status at an instant. As in the gate of `CodeState`, a reason that lasts is named before one that passes;
 * `expiresAt` is the first instant at which the code is dead, `activeFrom` the first at which it lives.
 */
export function statusOf(
  code: Pick<StoredCode, 'state' | 'activeFrom' | 'expiresAt' | 'maxScans' | 'scansUsed'>,
  at: Date,
): CodeStatus {
  if (code.state !== 'active') return code.state;
  if (code.expiresAt !== null && at.getTime() >= Date.parse(code.expiresAt)) return 'expired';
  if (code.maxScans !== null && code.scansUsed >= code.maxScans) return 'exhausted';
  if (code.activeFrom !== null && at.getTime() < Date.parse(code.activeFrom)) return 'scheduled';
  return 'active';
}

/** How a use is claimed; null for a plain link, which has nothing to claim. A password takes a page to ask for it. */
export function claimModeOf({
  maxScans,
  claimMode,
  passwordHash = null,
}: Pick<StoredCode, 'maxScans' | 'claimMode'> & { passwordHash?: string | null }): ClaimMode | null {
  if (passwordHash !== null) return 'interstitial';
  if (maxScans === null) return null;
  return claimMode ?? (maxScans === 1 ? 'interstitial' : 'direct');
}

/** The part of a code that the redirect needs, and may read. */
export type SnapshotFields = Pick<
  StoredCode,
  | 'id'
  | 'workspaceId'
  | 'slug'
  | 'kind'
  | 'state'
  | 'version'
  | 'target'
  | 'activeFrom'
  | 'expiresAt'
  | 'maxScans'
  | 'claimMode'
  | 'rules'
  | 'forwardQuery'
  | 'utm'
  | 'offUrl'
  | 'passwordHash'
  | 'brandId'
>;

/** What the redirect knows of a code. */
export function toSnapshot(code: SnapshotFields): CodeSnapshot {
  const claimMode = claimModeOf(code);
  const snapshot: CodeSnapshot = {
    id: code.id,
    workspaceId: code.workspaceId,
    version: code.version,
    kind: code.kind,
    state: code.state,
    target: code.target,
    ...(code.rules.length > 0 && { rules: code.rules }),
    ...(code.forwardQuery && { forwardQuery: true }),
    ...(code.utm !== null && { utm: code.utm }),
    ...(code.offUrl !== null && { offUrl: code.offUrl }),
    ...(code.passwordHash !== null && { passwordHash: code.passwordHash }),
    ...(code.brandId !== null && { brandId: code.brandId }),
    ...(code.activeFrom !== null && { activeFrom: code.activeFrom }),
    ...(code.expiresAt !== null && { expiresAt: code.expiresAt }),
    ...(code.maxScans !== null && claimMode !== null && { limit: { maxScans: code.maxScans, claimMode } }),
  };
  return code.slug === null || isSecretSlug(code.slug, snapshot) ? snapshot : { ...snapshot, slug: code.slug };
}

/** What the QR image says. The front that answers for the installation's own address answers for every domain. */
function shortUrlOf(slug: string, domain: string | null, publicUrl: string): string {
  return `${domain === null ? publicUrl : originOf(domain, publicUrl)}/${slug}`;
}

/** What short URLs of a domain start with: scheme and port are the installation's. */
export function originOf(domain: string, publicUrl: string): string {
  const { protocol, port } = new URL(publicUrl);
  return `${protocol}//${domain}${port === '' ? '' : `:${port}`}`;
}

/** The code as its workspace sees it. */
export function toCode(code: StoredCode, { publicUrl, at }: { publicUrl: string; at: Date }): Code {
  return {
    id: code.id,
    slug: code.slug,
    shortUrl: code.slug === null ? null : shortUrlOf(code.slug, code.domain, publicUrl),
    kind: code.kind,
    status: statusOf(code, at),
    version: code.version,
    target: code.target,
    title: code.title,
    notes: code.notes,
    tags: code.tags,
    folder: code.folder,
    campaign: code.campaign,
    owner: code.owner,
    domain: code.domain,
    brandId: code.brandId,
    activeFrom: code.activeFrom,
    expiresAt: code.expiresAt,
    maxScans: code.maxScans,
    claimMode: claimModeOf(code),
    rules: code.rules,
    forwardQuery: code.forwardQuery,
    utm: code.utm,
    offUrl: code.offUrl,
    hasPassword: code.passwordHash !== null,
    targetHost: targetHostOf(code.target),
    targetHealth: code.targetHealth,
    scansUsed: code.scansUsed,
    importedScans: code.importedScans,
    createdAt: code.createdAt,
    updatedAt: code.updatedAt,
    createdBy: code.createdBy,
    revokedReason: code.revokedReason,
    reissuedFrom: code.reissuedFrom,
    reissuedAs: code.reissuedAs,
  };
}

/** The whole state as an event tells it: without the slug of a protected code when that is a secret. */
export function toEventData(code: StoredCode, view: { publicUrl: string; at: Date }): CodeEvent['data'] {
  const data = { ...toCode(code, view), workspaceId: code.workspaceId };
  const isSecret = code.slug !== null && isSecretSlug(code.slug, toSnapshot(code));
  return isSecret ? { ...data, slug: null, shortUrl: null } : data;
}

/** Whoever knows it can use the code up, and it was made long enough to be known to nobody else. */
const isSecretSlug = (slug: string, snapshot: CodeSnapshot): boolean =>
  isProtected(snapshot) && slug.length >= PROTECTED_SLUG_LENGTH;
