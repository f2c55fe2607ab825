import { targetSchemas, type CodeKind } from '@signet/contracts';
import { SignetError } from '@signet/platform';
import type { CodeStoredState } from './code.js';

/** What an owner may do to a code. */
export const CODE_ACTIONS = ['update', 'restore', 'pause', 'resume', 'revoke', 'reissue', 'archive'] as const;
export type CodeAction = (typeof CODE_ACTIONS)[number];

/**
 * Where each action leads from each stored state; docs/using/codes.md tells the same. Nothing leads from `revoked` or
 * `archived` back to life, and nothing at all out of `archived`. An action that leads where the code is already succeeds
 * and changes nothing, except that an update, a restore and a reissue change other things than the state.
 *
 * `scheduled`, `expired` and `exhausted` are no states of their own: an active code shows them by its times and its
 * uses (`statusOf`), so that the redirect decides them at the instant of the scan and no timer does.
 */
export const LIFECYCLE: Readonly<Record<CodeStoredState, Readonly<Record<CodeAction, CodeStoredState | 'refused'>>>> = {
  active: {
    update: 'active',
    restore: 'active',
    pause: 'paused',
    resume: 'active',
    revoke: 'revoked',
    reissue: 'revoked',
    archive: 'archived',
  },
  paused: {
    update: 'paused',
    restore: 'paused',
    pause: 'paused',
    resume: 'active',
    revoke: 'revoked',
    reissue: 'revoked',
    archive: 'archived',
  },
  revoked: {
    update: 'refused',
    restore: 'refused',
    pause: 'refused',
    resume: 'refused',
    revoke: 'revoked',
    reissue: 'revoked',
    archive: 'archived',
  },
  archived: {
    update: 'refused',
    restore: 'refused',
    pause: 'refused',
    resume: 'refused',
    revoke: 'refused',
    reissue: 'refused',
    archive: 'archived',
  },
};

/**
 * @returns the state after the action
 * @throws SignetError `code-not-editable`
 */
export function stateAfter(action: CodeAction, state: CodeStoredState): CodeStoredState {
  const next = LIFECYCLE[state][action];
  if (next === 'refused') throw new SignetError('code-not-editable', { detail: `The code is ${state}` });
  return next;
}

/** What a workspace may do to a code that another context issued, such as an enrollment. */
const OF_ANY_KIND: ReadonlySet<CodeAction> = new Set(['revoke', 'archive']);

/** @throws SignetError `code-not-editable` for what would change a code that belongs to another context */
export function checkAction(action: CodeAction, kind: CodeKind): void {
  if (kind in targetSchemas || OF_ANY_KIND.has(action)) return;
  throw new SignetError('code-not-editable', {
    detail: `A code of kind ${kind} can be revoked or archived here; everything else is done where it was issued`,
  });
}
