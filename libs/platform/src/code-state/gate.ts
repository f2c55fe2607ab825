import type { CodeSnapshot } from '@signet/contracts';
import type { GateVerdict } from './code-state.js';

/** What the gate looks at; times in milliseconds since the epoch. */
export interface GateFields {
  state: CodeSnapshot['state'];
  activeFrom?: number;
  expiresAt?: number;
  maxScans?: number;
  used: number;
}

/** The part of a snapshot that the gate needs. */
export function gateFields(snapshot: CodeSnapshot): Omit<GateFields, 'used'> {
  return {
    state: snapshot.state,
    activeFrom: snapshot.activeFrom === undefined ? undefined : Date.parse(snapshot.activeFrom),
    expiresAt: snapshot.expiresAt === undefined ? undefined : Date.parse(snapshot.expiresAt),
    maxScans: snapshot.limit?.maxScans,
  };
}

/**
 * The gate's rule; `GATE` in redis-scripts.ts says the same in Lua, and the contract suite compares the two. A reason
 * that lasts is named before one that passes, so a claimant is not told to come back in vain. `expiresAt` is the first
 * instant at which the code is dead, `activeFrom` the first at which it lives.
 * @param known whether the claimant's nonce belongs to a settled use of this code: its answer may have got lost, and
 * asking again uses nothing
 */
export function decideGate(fields: GateFields | undefined, { at, known }: { at: Date; known: boolean }): GateVerdict {
  if (fields === undefined) return 'unknown-here';
  if (fields.state === 'revoked') return 'revoked';
  // An archived code is one that its owner has put away: switched off is what its claimant may know.
  if (fields.state !== 'active') return 'paused';
  if (fields.expiresAt !== undefined && at.getTime() >= fields.expiresAt) return 'expired';
  if (fields.maxScans !== undefined && fields.used >= fields.maxScans && !known) return 'exhausted';
  if (fields.activeFrom !== undefined && at.getTime() < fields.activeFrom) return 'not-active-yet';
  return 'open';
}
