import { codeOf, refused, splitShortUrl, type ForeignRow } from './foreign-row.js';

/**
 * Bitly: an export of links as CSV, or the bitlinks of its API as NDJSON. Of a custom back-half and a random one, the
 * custom one is printed, so that is kept. What is on `bit.ly` comes to the workspace's default domain.
 */
export function readBitly(row: ForeignRow): object {
  const [custom] = row.list('custom_bitlinks');
  const link = custom ?? row.text('bitlink', 'link', 'short_link', 'short_url', 'id');
  if (link === undefined) throw refused('link', 'must be the short link');
  if (row.isTrue('archived')) throw refused('archived', 'is true: the link was put away there');
  const { host, slug } = splitShortUrl(link);
  return codeOf({
    target: { url: row.text('long_url') },
    slug,
    domain: host === 'bit.ly' ? undefined : host,
    title: row.title('title'),
    tags: row.list('tags'),
    importedScans: row.count('clicks', 'total_clicks', 'engagements', 'total_engagements'),
  });
}
