import { createHash } from 'node:crypto';
import type { AuditEntry, AuditRecord } from '@signet/contracts';
import { newId } from '@signet/platform';
import fc from 'fast-check';
import { chainRecord, checkEntry, GENESIS, hashEntry, type Head } from './chain.js';

const workspaceId = newId();
const record = (reason: string): AuditRecord => ({
  id: newId(),
  at: '2026-01-01T00:00:00.000Z',
  workspaceId,
  actor: 'system',
  action: 'test',
  reason,
});
function chain(reasons: readonly string[]): AuditEntry[] {
  let head: Head = { seq: 0, hash: GENESIS };
  return reasons.map((reason) => {
    const entry = chainRecord(record(reason), head);
    head = entry;
    return entry;
  });
}
function firstProblem(entries: readonly AuditEntry[]): string | undefined {
  let head: Head = { seq: 0, hash: GENESIS };
  for (const entry of entries) {
    const problem = checkEntry(entry, head);
    if (problem) return problem;
    head = entry;
  }
  return undefined;
}
const reasons = fc.array(fc.string(), { minLength: 2, maxLength: 20 });

describe('the audit chain', () => {
  it('hashes the canonical JSON, whatever the order of the fields', () => {
    const entry = {
      seq: 1,
      prevHash: GENESIS,
      action: 'b',
      actor: 'a',
      at: '2026-01-01T00:00:00.000Z',
      id: workspaceId,
      workspaceId,
    };
    const text = `{"action":"b","actor":"a","at":"2026-01-01T00:00:00.000Z","id":"${workspaceId}","prevHash":"${GENESIS}","seq":1,"workspaceId":"${workspaceId}"}`;
    expect(hashEntry(entry)).toBe(createHash('sha256').update(text).digest('hex'));
  });

  it('adds up as it was written', () => {
    fc.assert(fc.property(reasons, (list) => expect(firstProblem(chain(list))).toBeUndefined()));
  });

  it('shows an altered, a removed and two exchanged entries', () => {
    fc.assert(
      fc.property(reasons, fc.nat(), (list, place) => {
        const entries = chain(list);
        const at = place % (entries.length - 1);
        expect(
          firstProblem(
            entries.map((entry, index) => (index === at ? { ...entry, reason: `${entry.reason}!` } : entry)),
          ),
        ).toBe(`entry ${at + 1} was altered`);
        expect(firstProblem(entries.filter((_, index) => index !== at))).toBe(`entry ${at + 1} is missing`);
        const exchanged = [...entries];
        exchanged.splice(at, 2, ...entries.slice(at, at + 2).toReversed());
        expect(firstProblem(exchanged)).toBeDefined();
      }),
    );
  });
});
