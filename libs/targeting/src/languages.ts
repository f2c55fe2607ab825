import type { Rule } from '@signet/contracts';

/** Basic filtering (RFC 4647 §3.3.1): `de` takes `de` and `de-AT`, and `de-AT` does not take `de`. */
export function isOfLanguage(tag: string, range: string): boolean {
  const [whole, prefix] = [tag.toLowerCase(), range.toLowerCase()];
  return whole === prefix || whole.startsWith(`${prefix}-`);
}

const isList = <Value>(values: Value | readonly Value[]): values is readonly Value[] => Array.isArray(values);
export const listOf = <Value>(values: Value | readonly Value[]): readonly Value[] =>
  isList(values) ? values : [values];

/**
 * Of the languages that a scan asks for the best that any rule of the code names, so that whoever prefers German and
 * reads English is sent to the German page, whichever rule comes first.
 */
export function preferredLanguage(rules: readonly Rule[], languages: readonly string[]): string | undefined {
  const named = rules.flatMap(({ when }) => (when.language === undefined ? [] : listOf(when.language)));
  return languages.find((tag) => named.some((range) => isOfLanguage(tag, range)));
}
