import type { CodeSnapshot } from '@signet/contracts';
import type { RateLimiterAbstract } from 'rate-limiter-flexible';

/** What is known of a code without asking PostgreSQL. */
export interface CodeStateEntry {
  snapshot: CodeSnapshot;
  /** Uses of a limited code that are known to have happened; PostgreSQL may know of more. */
  used: number;
}

/** `open`: nothing known speaks against a claim; PostgreSQL decides. Everything else refuses. */
export type GateVerdict = 'open' | 'paused' | 'revoked' | 'expired' | 'exhausted' | 'not-active-yet' | 'unknown-here';

export interface GateRequest {
  key: string;
  at: Date;
  /** SHA-256 (hex) of the interstitial's nonce: a claimant known by it may pass an exhausted code once more. */
  nonceHash?: string;
}

export interface SettledUse {
  key: string;
  /** Total uses after the arbiter's decision; never lowers what is stored. */
  used: number;
  nonceHash?: string;
}

export interface Meeting {
  codeId: string;
  /** The day's pseudonym of the visitor, so that they are forgotten with the day. */
  visitor: string;
}

export interface Limit {
  /** Keeps the counts of one limit apart from another's. */
  keyPrefix: string;
  points: number;
  /** Seconds. */
  duration: number;
}

/** How long the same browser may repeat a claim whose answer got lost (api.md, The redirect). */
export const NONCE_TTL_SECONDS = 300;
/** A copy filled by a reader may have been read just before a change, so it is short-lived; a write-through is not. */
export const FILLED_TTL_SECONDS = 60;
/** A pseudonym is of one UTC day; at its end nobody has it any more. */
export const VISITOR_TTL_SECONDS = 24 * 3600;
export const WRITTEN_TTL_SECONDS = 7 * 24 * 3600;

/**
 * Snapshots of codes near the redirect, with the gate before the arbiter. Never the truth: losing all of it (a
 * flushed Redis, a restart) costs reads of PostgreSQL and nothing else. Adapters: Redis with Lua, and in process; both
 * pass code-state.contract.ts. Every method rejects with SignetError `unavailable` when the store cannot be reached.
 */
export abstract class CodeState {
  abstract read(key: string): Promise<CodeStateEntry | undefined>;
  /**
   * After a change: stores the snapshot unless a newer version is there, and tells every process (`onChange`).
   * @returns whether this version is the stored one now (false: a newer one was there)
   */
  abstract write(key: string, snapshot: CodeSnapshot): Promise<boolean>;
  /** After a miss: stores what PostgreSQL said unless that version or a newer one is there; tells nobody. */
  abstract fill(key: string, entry: CodeStateEntry): Promise<void>;
  /** One atomic step that refuses what is known to be used up, switched off or out of time; it grants nothing. */
  abstract gate(request: GateRequest): Promise<GateVerdict>;
  /** Brings the arbiter's outcome back, before the claimant's answer leaves. */
  abstract settle(use: SettledUse): Promise<void>;
  /**
   * Remembers that a visitor was sent on by a code, for the day of their pseudonym. Forgetting them costs no more than
   * that they are new once more.
   * @returns whether they were there before
   */
  abstract meet(meeting: Meeting): Promise<boolean>;
  /**
   * Counts for a limit, over all processes that share the store. While it is away each process counts for itself.
   * `consume` rejects with a `RateLimiterRes` when `points` within `duration` seconds are used up.
   */
  abstract limiter(limit: Limit): RateLimiterAbstract;
  /** @returns a function that ends the listening. `undefined` as key: messages may have been lost, drop everything. */
  abstract onChange(listener: (key: string | undefined) => void): () => void;
  abstract ping(): Promise<void>;
  abstract close(): Promise<void>;
}
