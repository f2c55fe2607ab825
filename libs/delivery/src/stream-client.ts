import type { Writable } from 'node:stream';
import type { StreamTopic } from '@signet/contracts';
import type { EventRing, StreamEvent } from './event-ring.js';
import { eventFrame, idLine, PING, retryLine } from './sse.js';
import { encodeStreamCursor, type TopicPositions } from './stream-cursor.js';
import type { StreamLimits } from './stream-limits.js';

const CHUNK_CHARACTERS = 64 * 1024;

export type EndReason = 'closed' | 'slow' | 'unauthorized' | 'shutdown';

export interface StreamClientOptions {
  response: Writable;
  rings: ReadonlyMap<StreamTopic, EventRing>;
  logId: string;
  workspaceId: string;
  codeId?: string;
  limits: StreamLimits;
  /** Where the client goes on; `unknown`: it has a cursor that says nothing here; absent: from now on. */
  resumeFrom?: TopicPositions | 'unknown';
  onEnd: (reason: EndReason) => void;
}

/**
 * One open response. It reads the rings at its own pace and knows for every partition what it has seen, told or not:
 * that is the cursor which each frame carries, so that a client which goes on from any of them misses nothing and gets
 * nothing twice.
 */
export class StreamClient {
  private readonly places = new Map<StreamTopic, number>();
  private readonly positions = new Map<StreamTopic, Map<number, number>>();
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

  /** Sends what came of a topic. */
  pump(topic: StreamTopic): void {
    const ring = this.options.rings.get(topic);
    if (!ring || this.ended) return;
    const isBehind = this.placeIn(topic) < ring.first;
    if (this.blocked) {
      if (isBehind) this.end('slow');
      return;
    }
    if (isBehind) this.loseHistory([topic]);
    while (!this.blocked && this.placeIn(topic) < ring.next) this.write(this.nextFrames(topic, ring));
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
      const from = resumeFrom === 'unknown' ? ring.floors : resumeFrom?.get(topic);
      this.positions.set(topic, new Map(from ?? ring.positions));
      this.places.set(topic, from ? ring.first : ring.next);
      const isLost = from && [...ring.floors].some(([partition, floor]) => (from.get(partition) ?? 0) < floor);
      if (isLost || resumeFrom === 'unknown') lost.push(topic);
    }
    return lost;
  }

  /** `event: gap` with the earliest cursor; the client goes on from there. */
  private loseHistory(lostTopics: readonly StreamTopic[]): void {
    for (const topic of lostTopics) {
      const ring = this.options.rings.get(topic);
      const positions = this.positions.get(topic);
      if (!ring || !positions) continue;
      this.places.set(topic, ring.first);
      for (const [partition, floor] of ring.floors)
        positions.set(partition, Math.max(positions.get(partition) ?? 0, floor));
    }
    this.write(this.announce('gap', 'earliest'));
  }

  private nextFrames(topic: StreamTopic, ring: EventRing): string {
    let frames = '';
    let place = this.placeIn(topic);
    while (place < ring.next && frames.length < CHUNK_CHARACTERS) {
      const event = ring.at(place);
      place += 1;
      if (event && this.notice(topic, event) && this.mayShow(event)) frames += this.idOf(this.cursor()) + event.frame;
    }
    this.places.set(topic, place);
    return frames;
  }

  /** @returns false for what the client had seen before it came back */
  private notice(topic: StreamTopic, { partition, offset }: StreamEvent): boolean {
    const positions = this.positions.get(topic);
    if (!positions || offset < (positions.get(partition) ?? 0)) return false;
    positions.set(partition, offset + 1);
    return true;
  }

  private mayShow({ workspaceId, codeId }: StreamEvent): boolean {
    const { options } = this;
    return workspaceId === options.workspaceId && (options.codeId === undefined || codeId === options.codeId);
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
    return encodeStreamCursor(this.options.logId, this.positions);
  }

  private placeIn(topic: StreamTopic): number {
    return this.places.get(topic) ?? 0;
  }
}
