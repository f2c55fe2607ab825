import type { Clock } from '../clock.js';

/**
 * A map whose entries live equally long after they were set. So the oldest is always the next to expire, and each
 * `set` sweeps what has expired at the front: no timer, no scan.
 */
export class ExpiringMap<Value> {
  private readonly entries = new Map<string, { value: Value; until: number }>();

  constructor(
    private readonly clock: Clock,
    private readonly ttlSeconds: number,
  ) {}

  /** How many are held; expired ones that were not swept yet count. */
  get size(): number {
    return this.entries.size;
  }

  get(key: string): Value | undefined {
    const entry = this.entries.get(key);
    return entry && entry.until > this.clock.now().getTime() ? entry.value : undefined;
  }

  /** Sets the value; its time starts anew. */
  set(key: string, value: Value): void {
    const now = this.clock.now().getTime();
    this.sweep(now);
    // Deleted first: a Map keeps the place of a key that is set again.
    this.entries.delete(key);
    this.entries.set(key, { value, until: now + this.ttlSeconds * 1000 });
  }

  delete(key: string): void {
    this.entries.delete(key);
  }

  deleteOldest(): void {
    for (const key of this.entries.keys()) {
      this.entries.delete(key);
      return;
    }
  }

  clear(): void {
    this.entries.clear();
  }

  private sweep(now: number): void {
    for (const [key, { until }] of this.entries) {
      if (until > now) return;
      this.entries.delete(key);
    }
  }
}
