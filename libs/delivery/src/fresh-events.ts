import type { EventRing } from './event-ring.js';

/**
 * What a ring took since clients were told last: who there is something for. Of thousands of clients most are skipped by
 * one look, in place of looking at every event for each of them.
 */
export class FreshEvents {
  /** The place behind the last of them. */
  readonly to: number;
  /** How far each partition has been seen with them, as a cursor says it. */
  readonly positions: string;
  private readonly codes = new Set<string>();
  private readonly workspaces = new Set<string>();

  /** @param from the place of the first of them */
  constructor(
    readonly from: number,
    ring: EventRing,
  ) {
    this.to = ring.next;
    this.positions = ring.positionsText;
    for (let place = Math.max(from, ring.first); place < ring.next; place += 1) {
      const event = ring.at(place);
      if (event?.codeId !== undefined) this.codes.add(event.codeId);
      if (event?.workspaceId !== undefined) this.workspaces.add(event.workspaceId);
    }
  }

  concern({ workspaceId, codeId }: { workspaceId: string; codeId?: string }): boolean {
    return codeId === undefined ? this.workspaces.has(workspaceId) : this.codes.has(codeId);
  }
}
