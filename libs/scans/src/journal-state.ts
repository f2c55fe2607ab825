import { checksummed, verified, type Frame } from './journal-frame.js';
import { JournalPosition, type Places } from './journal-position.js';

/** What a journal has beside its entries. */
export interface JournalState {
  /** A UUID that was made with the journal: `sequence` counts per journal, also when a host has had several. */
  instance: string;
  position: JournalPosition;
  counters: Map<string, number>;
}

/** As JSON; counters that are null are gone. */
interface StateChange {
  instance: string;
  removedThrough: number;
  skipped: number;
  emptied: Places[];
  counters: [string, number | null][];
}

/** @param place that the next entry gets @param counters that changed, or all of them */
export function stateFrame(
  place: number,
  {
    instance,
    position: { removedThrough, skipped, emptied },
    counters,
  }: { instance: string; position: JournalPosition; counters: Iterable<readonly [string, number | undefined]> },
): Frame {
  const counts = Array.from(counters, ([key, count]): [string, number | null] => [key, count ?? null]);
  const told: StateChange = { instance, removedThrough, skipped, emptied: [...emptied], counters: counts };
  return { kind: 'state', isContinued: false, place, entries: 0, bytes: checksummed(JSON.stringify(told)) };
}

/**
 * @param frames of a segment, which begins with the whole state
 * @param first place of the first segment that there is: what was before it is removed, also where that was not told
 */
export function stateAfter(frames: readonly Frame[], first: number): JournalState {
  const state: JournalState = { instance: '', position: new JournalPosition(), counters: new Map() };
  for (const { kind, bytes } of frames) {
    const text = kind === 'state' ? verified(bytes) : undefined;
    if (text === undefined) continue;
    const told: StateChange = JSON.parse(text);
    state.instance = told.instance;
    state.position = new JournalPosition(told.removedThrough, told.skipped, told.emptied);
    changeCounters(state.counters, told.counters);
  }
  const { position } = state;
  let kept = position.removedThrough + 1;
  for (let range = position.emptiedFrom(kept); range; range = position.emptiedFrom(kept)) kept = range.last + 1;
  if (kept < first) state.position = position.removeThrough(first - 1);
  return state;
}

/** @param changed absolute values; without one a counter is gone */
export function changeCounters(
  counters: Map<string, number>,
  changed: Iterable<readonly [string, number | null | undefined]>,
): void {
  for (const [key, count] of changed) {
    if (count === null || count === undefined) counters.delete(key);
    else counters.set(key, count);
  }
}
