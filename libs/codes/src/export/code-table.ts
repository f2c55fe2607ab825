import type { Code } from '@signet/contracts';
import { toCsv } from '@signet/platform';

/** Between the tags of a cell. */
const BETWEEN = '|';

/** The fields of a body, which an upload takes back, under the names that it knows; then what a code shows besides. */
const COLUMNS: Readonly<Record<string, (code: Code) => unknown>> = {
  slug: (code) => code.slug,
  domain: (code) => code.domain,
  kind: (code) => code.kind,
  url: (code) => plainUrl(code),
  title: (code) => code.title,
  notes: (code) => code.notes,
  tags: ({ tags }) => listOf(tags),
  folder: (code) => code.folder,
  campaign: (code) => code.campaign,
  owner: (code) => code.owner,
  activeFrom: (code) => code.activeFrom,
  expiresAt: (code) => code.expiresAt,
  maxScans: (code) => code.maxScans,
  claimMode: (code) => code.claimMode,
  brandId: (code) => code.brandId,
  forwardQuery: (code) => code.forwardQuery,
  offUrl: (code) => code.offUrl,
  target: (code) => (plainUrl(code) === undefined ? JSON.stringify(code.target) : undefined),
  rules: ({ rules }) => (rules.length > 0 ? JSON.stringify(rules) : undefined),
  utm: ({ utm }) => utm && JSON.stringify(utm),
  importedScans: (code) => code.importedScans,
  id: (code) => code.id,
  shortUrl: (code) => code.shortUrl,
  status: (code) => code.status,
  version: (code) => code.version,
  hasPassword: (code) => code.hasPassword,
  scansUsed: (code) => code.scansUsed,
  createdAt: (code) => code.createdAt,
  updatedAt: (code) => code.updatedAt,
  createdBy: (code) => code.createdBy,
  revokedReason: (code) => code.revokedReason,
  reissuedFrom: (code) => code.reissuedFrom,
  reissuedAs: (code) => code.reissuedAs,
};

/** The URL of a link that has nothing else in its target. */
const plainUrl = ({ target }: Code): string | undefined =>
  'url' in target && Object.keys(target).length === 1 ? target.url : undefined;

/** One tag with a comma in it would be read as two; with the separator behind it, it is one. */
function listOf(tags: readonly string[]): string {
  const joined = tags.join(BETWEEN);
  return joined.includes(',') && !joined.includes(BETWEEN) ? `${joined}${BETWEEN}` : joined;
}

/** The first line, after a byte order mark. */
export const csvHeader = (): string => toCsv([Object.keys(COLUMNS)], { bom: true });

/** A line a code. */
export const csvLines = (codes: readonly Code[]): string =>
  toCsv(codes.map((code) => Object.values(COLUMNS).map((valueOf) => valueOf(code))));
