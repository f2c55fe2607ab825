import { codeOf, refused, type ForeignRow } from './foreign-row.js';

/**
 * Shlink: the CSV that its web client exports (`createdAt, title, shortUrl, domain, shortCode, longUrl, tags, visits`; the
 * domain is always named), and the short URLs of its REST API as NDJSON. Uses that are left become the limit.
 */
export function readShlink(row: ForeignRow): object {
  const meta = row.inner('meta');
  const visits = row.count('visits', 'visitsCount') ?? row.inner('visitsSummary').count('total');
  return codeOf({
    target: { url: row.text('longUrl') },
    slug: row.text('shortCode'),
    domain: row.text('domain'),
    title: row.title('title'),
    tags: row.list('tags'),
    activeFrom: meta.time('validSince'),
    expiresAt: meta.time('validUntil'),
    maxScans: usesLeft(meta.count('maxVisits'), visits ?? 0),
    forwardQuery: row.get('forwardQuery') === true ? true : undefined,
    importedScans: visits,
  });
}

function usesLeft(maxVisits: number | undefined, visits: number): number | undefined {
  if (maxVisits === undefined) return undefined;
  if (visits >= maxVisits) throw refused('maxVisits', 'is used up: the code would be off from the beginning');
  return maxVisits - visits;
}
