import type { CodeVersion } from '@signet/contracts';
import type { Change } from './code-rules.js';
import { statusOf, type StoredCode } from './code.js';
import { checkAction, stateAfter } from './lifecycle.js';

/** What an owner does to the state of a code, as history and events call it afterwards. */
export const MOVES = {
  pause: 'paused',
  resume: 'resumed',
  revoke: 'revoked',
  archive: 'archived',
} as const satisfies Record<string, CodeVersion['action']>;
export type Move = keyof typeof MOVES;

/**
 * @param reason of a revocation
 * @returns the code in its next state; undefined when it is there already
 * @throws SignetError `code-not-editable`
 */
export function moveCode(
  before: StoredCode,
  { action, reason }: { action: Move; reason?: string | undefined },
  at: Date,
): { code: StoredCode; changes: Change[] } | undefined {
  checkAction(action, before.kind);
  const state = stateAfter(action, before.state);
  if (state === before.state) return undefined;
  const code: StoredCode = { ...before, state, revokedReason: reason ?? before.revokedReason };
  return { code, changes: changesOfState(before, code, at) };
}

/** For the history: `statusOf` rather than the stored state, because that is what people know of a code. */
export function changesOfState(before: StoredCode, after: StoredCode, at: Date): Change[] {
  const all: Change[] = [
    { field: 'status', from: statusOf(before, at), to: statusOf(after, at) },
    { field: 'revokedReason', from: before.revokedReason, to: after.revokedReason },
    { field: 'reissuedAs', from: before.reissuedAs, to: after.reissuedAs },
  ];
  return all.filter(({ from, to }) => from !== to);
}
