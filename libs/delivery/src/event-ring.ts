import type { Positions } from './stream-cursor.js';

/** An event as every client gets it. */
export interface StreamEvent {
  partition: number;
  offset: number;
  /** Absent: belongs to nobody and is shown to nobody. */
  workspaceId?: string;
  codeId?: string;
  /** Without the id, which differs from client to client. */
  frame: string;
}

export interface RingLimits {
  entries: number;
  /** Of all frames together. */
  bytes: number;
}

/**
 * The newest events of one topic in the order in which they came, which all clients read, each from its own place. A
 * place is a number that only grows; what falls out at the old end leaves `first` behind.
 */
export class EventRing {
  private readonly events = new Map<number, StreamEvent>();
  private readonly seen = new Map<number, number>();
  private readonly held = new Map<number, number>();
  private bytes = 0;
  private firstPlace = 0;
  private nextPlace = 0;

  constructor(private readonly limits: RingLimits) {}

  /** The place of the oldest event that is held. */
  get first(): number {
    return this.firstPlace;
  }
  /** The place that the next event will get. */
  get next(): number {
    return this.nextPlace;
  }
  /** What has come of each partition. */
  get positions(): Positions {
    return this.seen;
  }
  /** From where on each partition is held without a hole. */
  get floors(): Positions {
    return this.held;
  }

  at(place: number): StreamEvent | undefined {
    return this.events.get(place);
  }

  /**
   * Takes note of the next record of a partition, before what it holds is appended.
   * @returns false for one that had come before
   */
  advance(partition: number, offset: number, { mayHaveHoles }: { mayHaveHoles: boolean }): boolean {
    const expected = this.seen.get(partition);
    if (expected === undefined) this.held.set(partition, offset);
    else if (offset < expected) return false;
    else if (offset > expected && !mayHaveHoles) this.breakAt(partition, offset);
    this.seen.set(partition, offset + 1);
    return true;
  }

  append(event: StreamEvent): void {
    this.events.set(this.nextPlace, event);
    this.nextPlace += 1;
    this.bytes += event.frame.length;
    while (this.events.size > this.limits.entries || (this.bytes > this.limits.bytes && this.events.size > 1))
      this.removeOldest();
  }

  private removeOldest(): void {
    const oldest = this.events.get(this.firstPlace);
    this.events.delete(this.firstPlace);
    this.firstPlace += 1;
    if (!oldest) return;
    this.bytes -= oldest.frame.length;
    this.held.set(oldest.partition, oldest.offset + 1);
  }

  /** Records were lost: nothing before them can be gone on from, and a client that waits at the end is behind, too. */
  private breakAt(partition: number, offset: number): void {
    this.events.clear();
    this.bytes = 0;
    this.nextPlace += 1;
    this.firstPlace = this.nextPlace;
    for (const [other, next] of this.seen) this.held.set(other, next);
    this.held.set(partition, offset);
  }
}
