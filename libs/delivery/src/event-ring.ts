import { positionsText, type Positions } from './stream-cursor.js';

/** An event as every client gets it. */
export interface StreamEvent {
  partition: number;
  offset: number;
  /** Absent: belongs to nobody and is shown to nobody. */
  workspaceId?: string;
  codeId?: string;
  type: string;
  /** In a compacted topic: of events with the same key the newest is the whole truth. */
  key?: string;
  /** Without the id, which differs from client to client. */
  frame: string;
}

/** An event with what had come of each partition when it did, as a cursor says it. */
export interface HeldEvent extends StreamEvent {
  positions: string;
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
  private readonly events = new Map<number, HeldEvent>();
  private readonly newest = new Map<string, number>();
  private seenText?: string;
  private readonly seen = new Map<number, number>();
  private readonly held = new Map<number, number>();
  private bytes = 0;
  private firstPlace = 0;
  private nextPlace = 0;

  /** @param isCompacted whether its events have keys */
  constructor(
    private readonly limits: RingLimits,
    readonly isCompacted = false,
  ) {}

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
  /** The same as text, as a cursor says it. */
  get positionsText(): string {
    return (this.seenText ??= positionsText(this.seen));
  }
  /** From where on each partition is held without a hole. */
  get floors(): Positions {
    return this.held;
  }

  at(place: number): HeldEvent | undefined {
    return this.events.get(place);
  }

  /** Whether a newer event of its key has come. */
  isOutdated(place: number): boolean {
    const key = this.events.get(place)?.key;
    return key !== undefined && this.newest.get(key) !== place;
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
    this.seenText = undefined;
    return true;
  }

  append(event: StreamEvent): void {
    this.events.set(this.nextPlace, { ...event, positions: this.positionsText });
    if (event.key !== undefined) this.newest.set(event.key, this.nextPlace);
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
    if (oldest.key !== undefined && this.newest.get(oldest.key) === this.firstPlace - 1) this.newest.delete(oldest.key);
    this.bytes -= oldest.frame.length;
    this.held.set(oldest.partition, oldest.offset + 1);
  }

  /** Records were lost: nothing before them can be gone on from, and a client that waits at the end is behind, too. */
  private breakAt(partition: number, offset: number): void {
    this.events.clear();
    this.newest.clear();
    this.bytes = 0;
    this.nextPlace += 1;
    this.firstPlace = this.nextPlace;
    for (const [other, next] of this.seen) this.held.set(other, next);
    this.held.set(partition, offset);
  }
}
