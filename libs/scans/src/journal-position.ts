/** Neighbouring places, from the first to the last. */
export interface Places {
  first: number;
  last: number;
}

const countOf = ({ first, last }: Places): number => last - first + 1;
const sum = (all: readonly Places[]): number => all.reduce((total, places) => total + countOf(places), 0);

/**
 * What has become of a journal's entries, by their places, which count from 1 and never come twice: those through a place
 * are removed, and of those behind it some were emptied, whose entries are gone while their places are still stepped over.
 * An entry's number is its place without the emptied ones before it.
 */
export class JournalPosition {
  constructor(
    readonly removedThrough = 0,
    /** Emptied places that are removed by now. */
    readonly skipped = 0,
    /** In order; neighbours are one. */
    readonly emptied: readonly Places[] = [],
  ) {}

  get emptiedCount(): number {
    return sum(this.emptied);
  }

  emptiedFrom(place: number): Places | undefined {
    return this.emptied.find(({ first }) => first === place);
  }

  /** Whether none of the places has an entry. */
  isGone({ first, last }: Places): boolean {
    const kept = Math.max(first, this.removedThrough + 1);
    return kept > last || this.emptied.some((range) => range.first <= kept && range.last >= last);
  }

  removeThrough(place: number): JournalPosition {
    const removed = this.emptied.filter(({ last }) => last <= place);
    return new JournalPosition(place, this.skipped + sum(removed), this.emptied.slice(removed.length));
  }

  /** @param places neighbours, none of them emptied before */
  empty(places: Places): JournalPosition {
    const before = this.emptied.findLast(({ last }) => last === places.first - 1);
    const behind = this.emptied.find(({ first }) => first === places.last + 1);
    const joined = { first: before?.first ?? places.first, last: behind?.last ?? places.last };
    const others = this.emptied.filter((range) => range !== before && range !== behind);
    const emptied = [...others, joined].toSorted((a, b) => a.first - b.first);
    return new JournalPosition(this.removedThrough, this.skipped, emptied);
  }
}
