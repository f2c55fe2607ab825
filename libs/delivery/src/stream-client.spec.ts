import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import type { StreamTopic } from '@signet/contracts';
import fc from 'fast-check';
import { EventRing } from './event-ring.js';
import { FreshEvents } from './fresh-events.js';
import { eventFrame } from './sse.js';
import { SseReader } from './sse-frames.fixture.js';
import { StreamClient, type StreamClientOptions } from './stream-client.js';
import { decodeStreamCursor, encodeStreamCursor } from './stream-cursor.js';
import { StreamLimits } from './stream-limits.js';

const MINE = 'workspace-1';
const LOG = 'log-1';

interface Offered {
  topic: StreamTopic;
  partition: number;
  offset: number;
  mine: boolean;
}
const name = ({ topic, partition, offset }: Offered): string => `${topic}/${partition}/${offset}`;

/** One process's rings, to which events come in an order of its own. */
class Tail {
  readonly rings: ReadonlyMap<StreamTopic, EventRing>;
  client?: StreamClient;

  constructor(topics: readonly StreamTopic[], entries = 1000) {
    this.rings = new Map(topics.map((topic) => [topic, new EventRing({ entries, bytes: 1_000_000 })]));
  }

  take(event: Offered): void {
    const ring = this.rings.get(event.topic);
    if (!ring?.advance(event.partition, event.offset, { mayHaveHoles: false })) return;
    const { partition, offset, mine } = event;
    const from = ring.next;
    ring.append({
      partition,
      offset,
      workspaceId: mine ? MINE : 'other',
      type: 'x.y',
      frame: eventFrame('x.y', name(event)),
    });
    this.client?.pump(event.topic, new FreshEvents(from, ring));
  }

  connect(
    lastEventId?: string,
    options: Partial<StreamClientOptions> = {},
  ): { reader: SseReader; response: PassThrough } {
    const response = new PassThrough();
    const reader = new SseReader();
    response.on('data', (chunk: Buffer) => reader.take(chunk.toString()));
    this.client = new StreamClient({
      response,
      rings: this.rings,
      logId: LOG,
      workspaceId: MINE,
      limits: new StreamLimits(),
      resumeFrom: lastEventId ? (decodeStreamCursor(LOG, lastEventId) ?? 'unknown') : undefined,
      onEnd: () => undefined,
      ...options,
    });
    this.client.open();
    return { reader, response };
  }
}

const flushed = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a stream client', () => {
  const topics: StreamTopic[] = ['scans', 'verifications'];
  const event = fc.record({ topic: fc.constantFrom(...topics), partition: fc.nat({ max: 2 }), mine: fc.boolean() });
  const history = fc.record({
    events: fc.array(event, { minLength: 1, maxLength: 80 }),
    /** How another process interleaves the partitions. */
    order: fc.array(fc.nat(), { minLength: 80, maxLength: 80 }),
    /** After how many events the client hears of, it goes to the other process. */
    hops: fc.array(fc.integer({ min: 0, max: 15 }), { minLength: 1, maxLength: 8 }),
    cutAtFrame: fc.array(fc.nat({ max: 5 }), { minLength: 8, maxLength: 8 }),
  });

  it('misses nothing and gets nothing twice, wherever it is cut off and whichever process it comes back to', async () => {
    await fc.assert(
      fc.asyncProperty(history, async ({ events, order, hops, cutAtFrame }) => {
        const logged = withOffsets(events);
        const tails = [new Tail(topics), new Tail(topics)];
        const orders = [logged, interleaved(logged, order)];
        const received: string[] = [];
        let lastEventId: string | undefined;
        let taken = 0;
        for (const [index, hop] of [...hops, logged.length].entries()) {
          const which = index % 2;
          const tail = tails[which] as Tail;
          const { reader, response } = tail.connect(lastEventId);
          await flushed();
          taken = Math.min(logged.length, taken + hop);
          for (const offered of (orders[which] as Offered[]).slice(0, taken)) tail.take(offered);
          await flushed();
          // The connection breaks: only the first of what was sent has arrived, but all of the last one.
          const arrived = reader.recorded.slice(0, index === hops.length ? undefined : cutAtFrame[index]);
          received.push(...arrived.map(({ data }) => data));
          lastEventId = arrived.at(-1)?.id ?? reader.events[0]?.id;
          expect(reader.events.some(({ type }) => type === 'gap')).toBe(false);
          tail.client = undefined;
          response.destroy();
        }
        const mine = logged.filter(({ mine: isMine }) => isMine).map(name);
        expect(received.toSorted()).toEqual(mine.toSorted());
      }),
      { numRuns: 300 },
    );
  });

  it('is told of a gap when what it had not seen is gone, and goes on from the earliest that is there', async () => {
    const tail = new Tail(['scans'], 3);
    const scan = (offset: number): Offered => ({ topic: 'scans', partition: 0, offset, mine: true });
    for (let offset = 0; offset < 10; offset++) tail.take(scan(offset));
    const cursor = encodeStreamCursor(LOG, new Map([['scans', new Map([[0, 6]])]]));
    const { reader } = tail.connect(cursor);
    await flushed();
    const [hello, gap, ...rest] = reader.events;
    expect(hello?.type).toBe('hello');
    expect(gap).toMatchObject({ type: 'gap', data: JSON.stringify({ earliest: gap?.id }) });
    expect(rest.map(({ data }) => data)).toEqual(['scans/0/7', 'scans/0/8', 'scans/0/9']);
    const again = tail.connect(gap?.id);
    await flushed();
    expect(again.reader.events.map(({ type }) => type)).toEqual(['hello', 'x.y', 'x.y', 'x.y']);
  });

  it('has no gap when it had seen just what is gone', async () => {
    const tail = new Tail(['scans'], 3);
    for (let offset = 0; offset < 10; offset++) tail.take({ topic: 'scans', partition: 0, offset, mine: true });
    const { reader } = tail.connect(encodeStreamCursor(LOG, new Map([['scans', new Map([[0, 7]])]])));
    await flushed();
    expect(reader.events.map(({ type }) => type)).toEqual(['hello', 'x.y', 'x.y', 'x.y']);
  });

  it('is told of a gap when its tail lost records while it was listening', async () => {
    const tail = new Tail(['scans', 'alerts']);
    tail.take({ topic: 'scans', partition: 0, offset: 0, mine: true });
    const { reader } = tail.connect();
    tail.take({ topic: 'scans', partition: 0, offset: 5, mine: true });
    await flushed();
    expect(reader.events.map(({ type }) => type)).toEqual(['hello', 'gap', 'x.y']);
  });

  it('takes note of a cursor with a ping when nothing was for it', async () => {
    const tail = new Tail(['scans']);
    const { reader } = tail.connect();
    await flushed();
    const before = reader.lastEventId;
    tail.client?.ping();
    await flushed();
    expect(reader.comments).toEqual(['ping']);
    expect(reader.lastEventId).toBe(before);
    tail.take({ topic: 'scans', partition: 0, offset: 0, mine: false });
    tail.client?.ping();
    await flushed();
    expect(decodeStreamCursor(LOG, reader.lastEventId)?.get('scans')).toEqual(new Map([[0, 1]]));
    expect(reader.events).toHaveLength(1);
  });

  it('is dropped as slow when it has not read for a whole ping, and never holds more than its buffer', async () => {
    const tail = new Tail(['scans']);
    const response = new PassThrough({ highWaterMark: 100 });
    const ends: string[] = [];
    tail.connect(undefined, {
      response,
      limits: new StreamLimits({ bufferBytes: 1000 }),
      onEnd: (reason) => ends.push(reason),
    });
    for (let offset = 0; offset < 500; offset++) tail.take({ topic: 'scans', partition: 0, offset, mine: true });
    expect(response.writableLength + response.readableLength).toBeLessThan(1500);
    tail.client?.ping();
    expect(ends).toEqual([]);
    tail.client?.ping();
    expect(ends).toEqual(['slow']);
  });

  it('gets all of it when it reads slowly, but does', async () => {
    const tail = new Tail(['scans']);
    const response = new PassThrough({ highWaterMark: 100 });
    const reader = new SseReader();
    tail.connect(undefined, { response, limits: new StreamLimits({ bufferBytes: 1000 }) });
    for (let offset = 0; offset < 300; offset++) tail.take({ topic: 'scans', partition: 0, offset, mine: true });
    response.on('data', (chunk: Buffer) => reader.take(chunk.toString()));
    await reader.until(() => reader.recorded.length === 300);
    expect(reader.recorded.map(({ data }) => data)).toEqual(
      Array.from({ length: 300 }, (_, offset) => `scans/0/${offset}`),
    );
  });
});

describe('a client of a compacted topic', () => {
  it('gets the newest event of each key that is held, then what changes, and nothing that was replaced', async () => {
    const ring = new EventRing({ entries: 100, bytes: 1_000_000 }, true);
    let offset = 0;
    const take = (key: string, value: string): void => {
      ring.advance(0, offset, { mayHaveHoles: true });
      const frame = eventFrame('rollup.updated', `${key}=${value}`);
      ring.append({ partition: 0, offset: offset++, workspaceId: MINE, type: 'rollup.updated', key, frame });
    };
    take('a', '1');
    take('b', '1');
    take('a', '2');
    const response = new PassThrough();
    const reader = new SseReader();
    response.on('data', (chunk: Buffer) => reader.take(chunk.toString()));
    const client = new StreamClient({
      response,
      rings: new Map([['analytics', ring]]),
      logId: LOG,
      workspaceId: MINE,
      limits: new StreamLimits(),
      onEnd: () => undefined,
    });
    client.open();
    await flushed();
    expect(reader.recorded.map(({ data }) => data)).toEqual(['b=1', 'a=2']);
    const from = ring.next;
    for (let value = 3; value <= 50; value += 1) take('a', String(value));
    client.pump('analytics', new FreshEvents(from, ring));
    await flushed();
    expect(reader.recorded.map(({ data }) => data)).toEqual(['b=1', 'a=2', 'a=50']);
    expect(decodeStreamCursor(LOG, reader.lastEventId)?.get('analytics')).toEqual(new Map([[0, 51]]));
  });
});

function withOffsets(events: readonly Omit<Offered, 'offset'>[]): Offered[] {
  const next = new Map<string, number>();
  return events.map((event) => {
    const key = `${event.topic} ${event.partition}`;
    const offset = next.get(key) ?? 0;
    next.set(key, offset + 1);
    return { ...event, offset };
  });
}

/** The same events, each partition in its order, the partitions mixed anew. */
function interleaved(events: readonly Offered[], order: readonly number[]): Offered[] {
  const queues = new Map<string, Offered[]>();
  for (const event of events) {
    const key = `${event.topic} ${event.partition}`;
    queues.set(key, [...(queues.get(key) ?? []), event]);
  }
  const mixed: Offered[] = [];
  for (const pick of order) {
    const rest = [...queues.values()].filter((queue) => queue.length > 0);
    const queue = rest[pick % Math.max(1, rest.length)];
    const event = queue?.shift();
    if (event) mixed.push(event);
  }
  return mixed;
}
