const JSON_TYPE = /^application\/(problem\+)?json$/i;

/**
 * RFC 9110 §12.5.1: the highest `q` wins, the first of equals.
 * @returns whether a client would rather have JSON than a page
 */
export function prefersJson(accept: string | undefined): boolean {
  if (accept === undefined || !accept.includes('json')) return false;
  let best = { type: '', quality: 0 };
  for (const range of accept.split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim());
    const quality = Number(parameters.find((parameter) => /^q=/i.test(parameter))?.slice(2) ?? 1);
    if (quality > best.quality) best = { type, quality };
  }
  return JSON_TYPE.test(best.type);
}
