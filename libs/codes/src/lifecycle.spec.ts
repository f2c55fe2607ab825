import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SignetError } from '@signet/platform';
import * as fc from 'fast-check';
import type { CodeStoredState } from './code.js';
import { CODE_ACTIONS, LIFECYCLE, stateAfter, type CodeAction } from './lifecycle.js';

const STATES = ['active', 'paused', 'revoked', 'archived'] as const satisfies CodeStoredState[];
const anyState = fc.constantFrom(...STATES);
const anyPath = fc.array(fc.constantFrom(...CODE_ACTIONS), { maxLength: 30 });
const isOff = (state: CodeStoredState): boolean => state === 'revoked' || state === 'archived';

/** A refusal leaves the code where it is. */
function attempt(state: CodeStoredState, action: CodeAction): CodeStoredState {
  const next = LIFECYCLE[state][action];
  return next === 'refused' ? state : next;
}

describe('the lifecycle', () => {
  it('says of every action in every state where it leads, or that it is refused, and no more', () => {
    expect(Object.keys(LIFECYCLE)).toEqual(STATES);
    for (const state of STATES) {
      expect(Object.keys(LIFECYCLE[state]).toSorted()).toEqual([...CODE_ACTIONS].toSorted());
      for (const action of CODE_ACTIONS) expect([...STATES, 'refused']).toContain(LIFECYCLE[state][action]);
    }
  });

  it('never brings back to life what is revoked or archived, whatever is done to it and before it', () => {
    fc.assert(
      fc.property(anyState, anyPath, (first, path) => {
        const states = path.reduce<CodeStoredState[]>(
          (passed, action) => [...passed, attempt(passed.at(-1) ?? first, action)],
          [first],
        );
        for (const [index, state] of states.slice(1).entries()) {
          const before = states[index] ?? first;
          expect(isOff(before) && !isOff(state)).toBe(false);
          expect(before === 'archived' && state !== 'archived').toBe(false);
        }
      }),
    );
  });

  it.each(['pause', 'resume', 'revoke', 'archive'] as const)('lets whoever repeats %s find it done', (action) => {
    for (const state of STATES) {
      const once = attempt(state, action);
      expect(attempt(once, action)).toBe(once);
    }
  });

  it('changes what a code is only while it lives', () => {
    for (const action of ['update', 'restore'] as const) {
      for (const state of ['active', 'paused'] as const) expect(stateAfter(action, state)).toBe(state);
      for (const state of ['revoked', 'archived'] as const)
        expect(() => stateAfter(action, state)).toThrow(
          new SignetError('code-not-editable', { detail: `The code is ${state}` }),
        );
    }
  });

  it('reaches every state, and is left in every one that lives', () => {
    const reached = new Set<CodeStoredState>(['active']);
    for (const state of reached) for (const action of CODE_ACTIONS) reached.add(attempt(state, action));
    expect(reached).toEqual(new Set(STATES));
    expect(CODE_ACTIONS.map((action) => attempt('paused', action))).toContain('active');
  });

  it('is told in docs/using/codes.md as it is', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/using/codes.md'), 'utf8');
    const rows = page.split('\n').map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')));
    const header = rows.find(([, first]) => first === 'action') ?? [];
    for (const action of CODE_ACTIONS) {
      const row = rows.find(([, first]) => first === action) ?? [];
      for (const state of STATES)
        expect([action, state, row[header.indexOf(state)]]).toEqual([action, state, LIFECYCLE[state][action]]);
    }
  });
});
