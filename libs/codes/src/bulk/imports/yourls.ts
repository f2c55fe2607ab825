import { codeOf, type ForeignRow } from './foreign-row.js';

/** YOURLS: its table `yourls_url` as CSV (`keyword, url, title, timestamp, ip, clicks`), or those fields as NDJSON. */
export function readYourls(row: ForeignRow): object {
  return codeOf({
    target: { url: row.text('url') },
    slug: row.text('keyword'),
    title: row.title('title'),
    importedScans: row.count('clicks'),
  });
}
