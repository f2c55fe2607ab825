import type { ScanData } from '@signet/contracts';

/** RFC 5646 tags are shorter in practice; what is longer says nothing. */
const MAX_LANGUAGE_LENGTH = 35;
const MAX_HOST_LENGTH = 253;

/** @returns the first tag of an `Accept-Language` header, such as `de-CH` */
export function firstLanguage(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const [tag = ''] = header.split(/[,;]/, 1);
  const language = tag.trim();
  if (language.length > MAX_LANGUAGE_LENGTH || !/^[a-z]{2,8}(-[a-z0-9]{1,8})*$/i.test(language)) return undefined;
  return language;
}

/** @returns the host of a web page that linked here; never its path, which may tell more than it should */
export function referrerHost(header: string | undefined): string | undefined {
  if (header === undefined || !/^https?:/i.test(header) || !URL.canParse(header)) return undefined;
  const { hostname } = new URL(header);
  return hostname.length > 0 && hostname.length <= MAX_HOST_LENGTH ? hostname : undefined;
}

/** @returns an ISO 3166-1 alpha-2 country; proxies say `XX` and `T1` (Tor) when they don't know one */
export function countryOf(header: string | string[] | undefined): ScanData['country'] {
  if (typeof header !== 'string' || !/^[a-z]{2}$/i.test(header)) return undefined;
  const country = header.toUpperCase();
  return country === 'XX' ? undefined : country;
}
