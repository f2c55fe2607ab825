/** Values that came before, the newest last, and how often. Plain JSON. */
export type Seen = [value: string, count: number][];

/** So many distinct ones are remembered (as Okta does for devices); the one that was seen longest ago is forgotten. */
const MAX_VALUES = 20;

export const hasSeen = (seen: Seen, value: string): boolean => seen.some(([known]) => known === value);

export const sayList = (seen: Seen): string => seen.map(([value]) => value).join(', ');

/** @returns what is remembered after this one */
export function see(seen: Seen, value: string): Seen {
  const before = seen.find(([known]) => known === value)?.[1] ?? 0;
  const others = seen.filter(([known]) => known !== value);
  return [...others, [value, before + 1] as [string, number]].slice(-MAX_VALUES);
}
