import type { Writable } from 'node:stream';
import type { StreamTopic } from '@signet/contracts';
import type { EventRing, StreamEvent } from './event-ring.js';
import type { FreshEvents } from './fresh-events.js';
import { eventFrame, idLine, PING, retryLine } from './sse.js';
import { joinCursor, positionsText, readPositions, type TopicPositions } from './stream-cursor.js';
import type { StreamLimits } from './stream-limits.js';

const CHUNK_CHARACTERS = 64 * 1024;

export type EndReason = 'closed' | 'slow' | 'unauthorized' | 'shutdown';

export interface StreamClientOptions {
  response: Writable;
  rings: ReadonlyMap<StreamTopic, EventRing>;
  logId: string;
  workspaceId: string;
  codeId?: string;
  /** The codes that are asked for by a label, as they are by now. */
  codes?: () => ReadonlySet<string>;
  /** Whether events of this type are asked for. */
  isWanted?: (type: string) => boolean;
  limits: StreamLimits;
  /** Where the client goes on; `unknown`: it has a cursor that says nothing here; absent: from now on. */
  resumeFrom?: TopicPositions | 'unknown';
  onEnd: (reason: EndReason) => void;
}

/** How far a client is in a topic. */
interface Progress {
  /** Its place in the ring. */
  place: number;
  /**
   * What it has seen of each partition, told or not, as it came from another process, whose ring has another order.
   * Undefined once it has seen all that this ring had: from then on it has seen just what the ring says.
   */
  seen?: Map<number, number>;
  /** The same, as a cursor says it. */
  positions: string;
}

/**
 * One open response. It reads the rings at its own pace and knows for every partition what it has seen, told or not:
 * that is the cursor which each frame carries, so that a client which goes on from any of them misses nothing and gets
 * nothing twice.
 */
export class StreamClient {
  private readonly progress = new Map<StreamTopic, Progress>();
  private sentCursor?: string;
  private blockedSincePing = false;
  private blocked = false;
  private ended = false;

  constructor(private readonly options: StreamClientOptions) {
    options.response.once('close', () => this.close('closed'));
  }

  /** Says hello and whether history was lost, then everything that is there to go on from. */
  open(): void {
    const lostTopics = this.begin();
    this.options.response.write(retryLine(this.options.limits.retryMilliseconds) + this.announce('hello', 'cursor'));
    if (lostTopics.length > 0) this.loseHistory(lostTopics);
    for (const topic of this.options.rings.keys()) this.pump(topic);
  }

  /** Sends what came of a topic. @param fresh what the client has not been told of; absent: all it has not seen */
  pump(topic: StreamTopic, fresh?: FreshEvents): void {
    const ring = this.options.rings.get(topic);
    const progress = this.progress.get(topic);
    if (!ring || !progress || this.ended) return;
    const isBehind = progress.place < ring.first;
    if (this.blocked) {
      if (isBehind) this.end('slow');
      return;
    }
    if (isBehind) this.loseHistory([topic]);
    else if (fresh?.from === progress.place && !progress.seen && !fresh.concern(this.options)) {
      progress.place = fresh.to;
      progress.positions = fresh.positions;
      return;
    }
    while (!this.blocked && progress.place < ring.next) this.write(this.nextFrames(progress, ring));
    if (progress.place === ring.next) catchUp(progress, ring);
  }

  ping(): void {
    if (this.ended) return;
    if (this.blockedSincePing) return this.end('slow');
    this.blockedSincePing = this.blocked;
    if (this.blocked) return;
    const cursor = this.cursor();
    // A client whose filter lets nothing through moves on, too.
    this.write(cursor === this.sentCursor ? PING : `${PING}${this.idOf(cursor)}\n`);
  }

  /** Tells the reason as the last event. @returns when the connection is closed */
  end(reason: Exclude<EndReason, 'closed'>): void {
    if (this.ended) return;
    const { response, limits } = this.options;
    response.end(eventFrame(reason, '{}'));
    const impatient = setTimeout(() => response.destroy(), limits.goodbyeMilliseconds).unref();
    response.once('close', () => clearTimeout(impatient));
    this.close(reason);
  }

  private close(reason: EndReason): void {
    if (this.ended) return;
    this.ended = true;
    this.options.onEnd(reason);
  }

  /** @returns the topics of which something that the client has not seen is no longer there */
  private begin(): StreamTopic[] {
    const { rings, resumeFrom } = this.options;
    const lost: StreamTopic[] = [];
    for (const [topic, ring] of rings) {
      // Of a compacted topic a client gets what there is, then what changes.
      const start = ring.isCompacted ? ring.floors : undefined;
      const from = resumeFrom === 'unknown' ? ring.floors : (resumeFrom?.get(topic) ?? start);
      this.progress.set(topic, {
        place: from ? ring.first : ring.next,
        seen: from && new Map(from),
        positions: positionsText(from ?? ring.positions),
      });
      const isLost = from && [...ring.floors].some(([partition, floor]) => (from.get(partition) ?? 0) < floor);
      if (isLost || resumeFrom === 'unknown') lost.push(topic);
    }
    return lost;
  }

  /** `event: gap` with the earliest cursor; the client goes on from there. */
  private loseHistory(lostTopics: readonly StreamTopic[]): void {
    for (const topic of lostTopics) {
      const ring = this.options.rings.get(topic);
      const progress = this.progress.get(topic);
      if (!ring || !progress) continue;
      const seen = progress.seen ?? readPositions(progress.positions);
      for (const [partition, floor] of ring.floors) seen.set(partition, Math.max(seen.get(partition) ?? 0, floor));
      Object.assign(progress, { place: ring.first, seen, positions: positionsText(seen) });
    }
    this.write(this.announce('gap', 'earliest'));
  }

  private nextFrames(progress: Progress, ring: EventRing): string {
    let frames = '';
    while (progress.place < ring.next && frames.length < CHUNK_CHARACTERS) {
      const event = ring.at(progress.place);
      const isOutdated = ring.isOutdated(progress.place);
      progress.place += 1;
      if (!event || !notice(progress, event) || isOutdated || !this.mayShow(event)) continue;
      progress.positions = progress.seen ? positionsText(progress.seen) : event.positions;
      frames += this.idOf(this.cursor()) + event.frame;
    }
    return frames;
  }

  private mayShow({ workspaceId, codeId, type }: StreamEvent): boolean {
    const { options } = this;
    if (workspaceId !== options.workspaceId) return false;
    if (options.codeId !== undefined && codeId !== options.codeId) return false;
    if (options.codes && (codeId === undefined || !options.codes().has(codeId))) return false;
    return options.isWanted?.(type) ?? true;
  }

  private write(frames: string): void {
    const { response, limits } = this.options;
    if (frames === '' || this.ended) return;
    response.write(frames);
    if (response.writableLength <= limits.bufferBytes) return;
    this.blocked = true;
    response.once('drain', () => {
      this.blocked = false;
      this.blockedSincePing = false;
      for (const topic of this.options.rings.keys()) this.pump(topic);
    });
  }

  private announce(type: 'hello' | 'gap', field: 'cursor' | 'earliest'): string {
    const cursor = this.cursor();
    return this.idOf(cursor) + eventFrame(type, JSON.stringify({ [field]: cursor }));
  }

  private idOf(cursor: string): string {
    this.sentCursor = cursor;
    return idLine(cursor);
  }

  private cursor(): string {
    return joinCursor(
      this.options.logId,
      [...this.progress].map(([topic, { positions }]) => [topic, positions]),
    );
  }
}

/** @returns false for what the client had seen before it came back */
function notice({ seen }: Progress, { partition, offset }: StreamEvent): boolean {
  if (!seen) return true;
  if (offset < (seen.get(partition) ?? 0)) return false;
  seen.set(partition, offset + 1);
  return true;
}

/** At the end of the ring: unless the client came with more than this ring has seen, they have seen the same by now. */
function catchUp(progress: Progress, ring: EventRing): void {
  const { seen } = progress;
  if (seen && [...seen].some(([partition, next]) => next > (ring.positions.get(partition) ?? 0))) {
    for (const [partition, next] of ring.positions) seen.set(partition, Math.max(next, seen.get(partition) ?? 0));
    progress.positions = positionsText(seen);
    return;
  }
  progress.seen = undefined;
  progress.positions = ring.positionsText;
}
