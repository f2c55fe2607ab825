import type { Code, CodeAnalytics, Scan } from '@signet/contracts';
import { z } from 'zod';
import type { Run } from './run.js';

export const agents = {
  iphone:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
  android:
    'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Mobile Safari/537.36',
  preview: 'WhatsApp/2.23.20.0',
} as const;

export interface Answer<Body> {
  status: number;
  headers: Headers;
  body: Body;
}

/** What a person with curl can do, and nothing more. */
export class Client {
  constructor(private readonly run: Run) {}

  async api<Body = unknown>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<Body>> {
    const response = await fetch(`${this.run.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.run.key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const parsed: Body = JSON.parse(text || 'null');
    return { status: response.status, headers: response.headers, body: parsed };
  }

  async createCode(body: Record<string, unknown>): Promise<Code> {
    const answer = await this.api<Code>('POST', '/v1/codes', body);
    if (answer.status !== 201) throw new Error(`creating a code: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** As a phone's camera opens it: the redirect is not followed. */
  scan(
    code: Code,
    headers: Record<string, string> = { 'user-agent': agents.iphone },
    method = 'GET',
  ): Promise<Response> {
    return fetch(`${this.run.url}/${code.slug}`, { method, headers, redirect: 'manual' });
  }

  claim(code: Code, nonce?: string): Promise<Response> {
    return fetch(`${this.run.url}/${code.slug}/claim`, {
      method: 'POST',
      headers: { 'user-agent': agents.iphone, 'content-type': 'application/x-www-form-urlencoded' },
      body: nonce === undefined ? '' : new URLSearchParams({ nonce }).toString(),
      redirect: 'manual',
    });
  }

  async analytics(code: Code): Promise<CodeAnalytics> {
    return (await this.api<CodeAnalytics>('GET', `/v1/analytics/codes/${code.id}`)).body;
  }

  /** Every raw scan of a code, over all pages. */
  async scans(code: Code): Promise<Scan[]> {
    const scans: Scan[] = [];
    let cursor = '';
    do {
      const path = `/v1/scans?limit=200&codeId=${code.id}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`;
      const { body } = await this.api<{ items: Scan[]; nextCursor: string | null }>('GET', path);
      scans.push(...body.items);
      cursor = body.nextCursor ?? '';
    } while (cursor);
    return scans;
  }

  stream(query: string, lastEventId?: string): Promise<EventStream> {
    return EventStream.open(`${this.run.url}/v1/stream?${query}`, this.run.key, lastEventId);
  }
}

export interface Frame {
  id: string;
  event: string;
  data: string;
}

const IdSchema = z.object({ id: z.string() });
/** The event's own identity, as it is on Kafka, a webhook and here. */
export const eventId = (frame: Frame): string => IdSchema.parse(JSON.parse(frame.data)).id;

/** A subscriber of Server-Sent Events that keeps every frame it got. */
export class EventStream {
  readonly frames: Frame[] = [];
  private wake: () => void = () => undefined;

  private constructor(private readonly abort: AbortController) {}

  static async open(url: string, key: string, lastEventId?: string): Promise<EventStream> {
    const abort = new AbortController();
    const headers = { authorization: `Bearer ${key}`, ...(lastEventId ? { 'last-event-id': lastEventId } : {}) };
    const response = await fetch(url, { headers, signal: abort.signal });
    if (response.status !== 200 || !response.body) throw new Error(`the stream answered ${response.status}`);
    const stream = new EventStream(abort);
    void stream.read(response.body).catch(() => undefined);
    return stream;
  }

  close(): void {
    this.abort.abort();
  }

  /** The frames that fit, once there are `count` of them. */
  async until(count: number, fits: (frame: Frame) => boolean, withinMilliseconds: number): Promise<Frame[]> {
    const deadline = Date.now() + withinMilliseconds;
    for (;;) {
      const found = this.frames.filter(fits);
      if (found.length >= count) return found;
      if (Date.now() > deadline) throw new Error(`${found.length} of ${count} frames within ${withinMilliseconds} ms`);
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        setTimeout(resolve, 50);
      });
    }
  }

  private async read(body: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let pending = '';
    for await (const chunk of body) {
      pending += decoder.decode(chunk, { stream: true });
      const blocks = pending.split('\n\n');
      pending = blocks.pop() ?? '';
      for (const block of blocks) this.keep(block);
    }
  }

  private keep(block: string): void {
    const field = (name: string): string =>
      block
        .split('\n')
        .filter((line) => line.startsWith(`${name}:`))
        .map((line) => line.slice(name.length + 1).replace(/^ /, ''))
        .join('\n');
    this.frames.push({ id: field('id'), event: field('event'), data: field('data') });
    this.wake();
  }
}

/** Asks until the answer fits; fails with the last one when the deadline has passed. */
export async function eventually<Value>(
  ask: () => Promise<Value>,
  fits: (value: Value) => boolean,
  withinMilliseconds: number,
): Promise<Value> {
  const deadline = Date.now() + withinMilliseconds;
  for (;;) {
    const value = await ask();
    if (fits(value)) return value;
    if (Date.now() > deadline)
      throw new Error(`not within ${withinMilliseconds} ms: ${JSON.stringify(value).slice(0, 500)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
