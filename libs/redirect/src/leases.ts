interface Lease<Value> {
  value: Value;
  /** Milliseconds since the epoch at which somebody began to read the value. */
  from: number;
}

export interface LeaseLimits<Value> {
  milliseconds: number;
  maxEntries: number;
  maxBytes: number;
  sizeOf: (value: Value) => number;
}

/**
 * Values that may be used for a moment after they were read, within a bound of entries and of bytes. All live equally
 * long, so the oldest is the first to expire and the first to make room: no timer, no scan.
 */
export class Leases<Value> {
  private readonly leases = new Map<string, Lease<Value>>();
  private bytes = 0;

  constructor(private readonly limits: LeaseLimits<Value>) {}

  get size(): number {
    return this.leases.size;
  }

  get(key: string, nowMs: number): Value | undefined {
    const lease = this.leases.get(key);
    return lease && this.isLive(lease, nowMs) ? lease.value : undefined;
  }

  /** @param from when the reading of the value began */
  set(key: string, value: Value, from: number): void {
    this.delete(key);
    this.leases.set(key, { value, from });
    this.bytes += this.limits.sizeOf(value);
    this.makeRoom(from);
  }

  delete(key: string): void {
    const lease = this.leases.get(key);
    if (!lease) return;
    this.leases.delete(key);
    this.bytes -= this.limits.sizeOf(lease.value);
  }

  clear(): void {
    this.leases.clear();
    this.bytes = 0;
  }

  /** A clock that was set back must not make a lease longer. */
  private isLive({ from }: Lease<Value>, nowMs: number): boolean {
    return nowMs >= from && nowMs < from + this.limits.milliseconds;
  }

  private makeRoom(nowMs: number): void {
    const { maxEntries, maxBytes } = this.limits;
    for (const [key, lease] of this.leases) {
      if (this.isLive(lease, nowMs) && this.leases.size <= maxEntries && this.bytes <= maxBytes) return;
      this.delete(key);
    }
  }
}
