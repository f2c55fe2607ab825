import type { CodeSnapshot } from '@signet/contracts';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { Clock } from '../clock.js';
import {
  CodeState,
  FILLED_TTL_SECONDS,
  NONCE_TTL_SECONDS,
  VISITOR_TTL_SECONDS,
  WRITTEN_TTL_SECONDS,
  type CodeStateEntry,
  type GateRequest,
  type GateVerdict,
  type Limit,
  type Meeting,
  type SettledUse,
} from './code-state.js';
import { ExpiringMap } from './expiring-map.js';
import { decideGate, gateFields } from './gate.js';

export interface MemoryCodeStateOptions {
  clock: Clock;
  /** Most codes to remember, and most nonces. */
  maxEntries?: number;
}

/** CodeState for a run that is one process: every listener is in it, and hears of a write before the write resolves. */
export class MemoryCodeState extends CodeState {
  /** Two maps, because a copy that a reader filled in is the first to go when memory is short. */
  private readonly written: ExpiringMap<CodeStateEntry>;
  private readonly filled: ExpiringMap<CodeStateEntry>;
  private readonly nonces: ExpiringMap<true>;
  private readonly visitors: ExpiringMap<true>;
  private readonly listeners = new Set<(key: string | undefined) => void>();
  private readonly maxEntries: number;

  constructor({ clock, maxEntries = 1_000_000 }: MemoryCodeStateOptions) {
    super();
    this.maxEntries = maxEntries;
    this.written = new ExpiringMap(clock, WRITTEN_TTL_SECONDS);
    this.filled = new ExpiringMap(clock, FILLED_TTL_SECONDS);
    this.nonces = new ExpiringMap(clock, NONCE_TTL_SECONDS);
    this.visitors = new ExpiringMap(clock, VISITOR_TTL_SECONDS);
  }

  override async read(key: string): Promise<CodeStateEntry | undefined> {
    const entry = this.find(key);
    return entry && { ...entry };
  }

  override async write(key: string, snapshot: CodeSnapshot): Promise<boolean> {
    const stored = this.find(key);
    if (stored && stored.snapshot.version > snapshot.version) return false;
    this.filled.delete(key);
    this.written.set(key, { snapshot: structuredClone(snapshot), used: stored?.used ?? 0 });
    this.makeRoom();
    for (const listener of this.listeners) listener(key);
    return true;
  }

  override async fill(key: string, { snapshot, used }: CodeStateEntry): Promise<void> {
    const stored = this.find(key);
    if (stored) stored.used = Math.max(stored.used, used);
    if (stored && stored.snapshot.version >= snapshot.version) return;
    this.written.delete(key);
    this.filled.set(key, { snapshot: structuredClone(snapshot), used: stored?.used ?? used });
    this.makeRoom();
  }

  override async gate({ key, at, nonceHash }: GateRequest): Promise<GateVerdict> {
    const entry = this.find(key);
    const known = nonceHash !== undefined && this.nonces.get(nonceKey(key, nonceHash)) === true;
    return decideGate(entry && { ...gateFields(entry.snapshot), used: entry.used }, { at, known });
  }

  override async settle({ key, used, nonceHash }: SettledUse): Promise<void> {
    const entry = this.find(key);
    if (!entry) return;
    entry.used = Math.max(entry.used, used);
    if (nonceHash === undefined) return;
    this.nonces.set(nonceKey(key, nonceHash), true);
    if (this.nonces.size > this.maxEntries) this.nonces.deleteOldest();
  }

  override async meet({ codeId, visitor }: Meeting): Promise<boolean> {
    const key = `${codeId} ${visitor}`;
    const isKnown = this.visitors.get(key) === true;
    if (!isKnown) this.visitors.set(key, true);
    if (this.visitors.size > this.maxEntries) this.visitors.deleteOldest();
    return isKnown;
  }

  override limiter(limit: Limit): RateLimiterMemory {
    return new RateLimiterMemory(limit);
  }

  override onChange(listener: (key: string | undefined) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  override async ping(): Promise<void> {}

  /** Forgets everything, as the end of the process does. */
  override async close(): Promise<void> {
    this.written.clear();
    this.filled.clear();
    this.nonces.clear();
    this.visitors.clear();
  }

  private find(key: string): CodeStateEntry | undefined {
    return this.written.get(key) ?? this.filled.get(key);
  }

  private makeRoom(): void {
    if (this.written.size + this.filled.size <= this.maxEntries) return;
    const crowd = this.filled.size > 0 ? this.filled : this.written;
    crowd.deleteOldest();
  }
}

const nonceKey = (key: string, nonceHash: string): string => `${key} ${nonceHash}`;
