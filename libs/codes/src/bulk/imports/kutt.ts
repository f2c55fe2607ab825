import { codeOf, refused, type ForeignRow } from './foreign-row.js';

/** Kutt: the links of `GET /api/v2/links` as NDJSON, or its table of links as CSV. */
export function readKutt(row: ForeignRow): object {
  if (isProtected(row))
    throw refused(
      'password',
      'is not in the export: issue the code by hand, with its password, so that it stays closed',
    );
  if (row.isTrue('banned')) throw refused('banned', 'is true: the link was switched off there');
  return codeOf({
    target: { url: row.text('target') },
    slug: row.text('address'),
    domain: row.text('domain'),
    title: row.title('description'),
    expiresAt: row.time('expire_in'),
    importedScans: row.count('visit_count'),
  });
}

/** The API says whether there is a password, the table has its hash. */
function isProtected(row: ForeignRow): boolean {
  const password = row.get('password');
  return password === true || (typeof password === 'string' && !/^(false|0|)$/i.test(password.trim()));
}
