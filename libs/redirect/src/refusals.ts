import type { ProblemKind, ScanOutcome } from '@signet/contracts';
import type { GateVerdict } from '@signet/platform';

export type Refusal = Exclude<GateVerdict, 'open' | 'unknown-here'> | 'archived' | 'unknown';

/** How each refusal is told, and how it is counted. An archived code is one that its owner has put away. */
export const refusals: Readonly<Record<Refusal, { kind: ProblemKind; outcome: ScanOutcome }>> = {
  unknown: { kind: 'code-unknown', outcome: 'not_found' },
  revoked: { kind: 'code-revoked', outcome: 'revoked' },
  expired: { kind: 'code-expired', outcome: 'expired' },
  exhausted: { kind: 'code-exhausted', outcome: 'exhausted' },
  paused: { kind: 'code-paused', outcome: 'denied' },
  archived: { kind: 'code-paused', outcome: 'denied' },
  'not-active-yet': { kind: 'code-not-active-yet', outcome: 'denied' },
};
