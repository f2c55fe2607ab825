import type { Utm } from '@signet/contracts';

export interface QueryAdditions {
  forwardQuery?: boolean;
  utm?: Utm | null;
  /** Of the scan, as it came, without the question mark. */
  query?: string;
}

/**
 * The target with what the code and the scan add to its query: the `utm_` parameters that it does not have, then, of a
 * code that forwards, the scan's own, which win over both, as Shlink and Dub do it: whoever printed `?utm_source=bus`
 * on one of their posters means it. Everything else of the target stays as it was written, byte for byte.
 */
export function buildUrl(url: string, { forwardQuery, utm, query = '' }: QueryAdditions): string {
  const forwarded = forwardQuery === true ? pairsOf(query) : [];
  if (forwarded.length === 0 && !utm) return url;
  const { address, search, fragment } = split(url);
  const own = pairsOf(search);
  const overridden = new Set(forwarded.map(nameOf));
  const taken = new Set([...own.map(nameOf), ...overridden]);
  const tags = Object.entries(utm ?? {}).flatMap(([name, value]) =>
    value === undefined || taken.has(`utm_${name}`) ? [] : [`utm_${name}=${encodeURIComponent(value)}`],
  );
  const kept = own.filter((pair) => !overridden.has(nameOf(pair)));
  const pairs = [...kept, ...tags, ...forwarded.map(visibleAscii)];
  return `${address}${pairs.length > 0 ? `?${pairs.join('&')}` : ''}${fragment}`;
}

function split(url: string): { address: string; search: string; fragment: string } {
  const hash = url.indexOf('#');
  const whole = hash < 0 ? url : url.slice(0, hash);
  const mark = whole.indexOf('?');
  return {
    address: mark < 0 ? whole : whole.slice(0, mark),
    search: mark < 0 ? '' : whole.slice(mark + 1),
    fragment: hash < 0 ? '' : url.slice(hash),
  };
}

const pairsOf = (query: string): string[] => query.split('&').filter((pair) => pair !== '');

/** As whoever reads the target's query will understand it; what is no encoding stands for itself. */
function nameOf(pair: string): string {
  const [name = ''] = pair.split('=', 1);
  try {
    return decodeURIComponent(name.replaceAll('+', ' '));
  } catch {
    return name;
  }
}

/** What a stranger sends must not end the query: a `#` would begin another fragment, white space another header. */
const visibleAscii = (pair: string): string => pair.replaceAll(/[^\x21-\x7e]|[#"'<>`\\]/gu, percentEncoded);

/** Each byte of the UTF-8 form; of a lone surrogate, which has none, that of U+FFFD. */
const percentEncoded = (character: string): string =>
  Array.from(Buffer.from(character), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
