import * as fc from 'fast-check';
import { decideGate, gateFields, type GateFields } from './gate.js';

const at = new Date('2026-11-24T12:00:00.000Z');
const now = at.getTime();
const open: GateFields = { state: 'active', used: 0 };

const anyFields: fc.Arbitrary<GateFields> = fc.record({
  state: fc.constantFrom('active', 'paused', 'revoked', 'archived'),
  activeFrom: fc.option(fc.integer({ min: now - 2, max: now + 2 }), { nil: undefined }),
  expiresAt: fc.option(fc.integer({ min: now - 2, max: now + 2 }), { nil: undefined }),
  maxScans: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
  used: fc.integer({ min: 0, max: 4 }),
});

describe('decideGate', () => {
  it('does not decide about a code that is not here', () => {
    expect(decideGate(undefined, { at, known: true })).toBe('unknown-here');
  });

  it.each<[string, Partial<GateFields>, string]>([
    ['an active code', {}, 'open'],
    ['a paused code', { state: 'paused' }, 'paused'],
    ['an archived code', { state: 'archived' }, 'paused'],
    ['a revoked code', { state: 'revoked' }, 'revoked'],
    ['the instant of expiry', { expiresAt: now }, 'expired'],
    ['the instant before expiry', { expiresAt: now + 1 }, 'open'],
    ['the instant of activation', { activeFrom: now }, 'open'],
    ['the instant before activation', { activeFrom: now + 1 }, 'not-active-yet'],
    ['the last free use', { maxScans: 3, used: 2 }, 'open'],
    ['no free use', { maxScans: 3, used: 3 }, 'exhausted'],
    ['a limit lowered under what was used', { maxScans: 1, used: 3 }, 'exhausted'],
    ['uses without a limit', { used: 1_000_000 }, 'open'],
    ['a used-up code that is not active yet', { maxScans: 1, used: 1, activeFrom: now + 1 }, 'exhausted'],
    ['a used-up code that has expired', { maxScans: 1, used: 1, expiresAt: now }, 'expired'],
  ])('answers %s', (_case, fields, verdict) => {
    expect(decideGate({ ...open, ...fields }, { at, known: false })).toBe(verdict);
  });

  it('lets a known claimant through where the limit alone speaks against it, and nowhere else', () => {
    fc.assert(
      fc.property(anyFields, (fields) => {
        const stranger = decideGate(fields, { at, known: false });
        const claimant = decideGate(fields, { at, known: true });
        const unlimited = decideGate({ ...fields, maxScans: undefined }, { at, known: false });
        expect(claimant).toBe(stranger === 'exhausted' ? unlimited : stranger);
      }),
    );
  });

  it('never opens again by more uses', () => {
    fc.assert(
      fc.property(anyFields, fc.nat(3), (fields, more) => {
        fc.pre(decideGate(fields, { at, known: false }) !== 'open');
        expect(decideGate({ ...fields, used: fields.used + more }, { at, known: false })).not.toBe('open');
      }),
    );
  });
});

describe('gateFields', () => {
  it('takes times as milliseconds and the limit from a protected code', () => {
    const fields = gateFields({
      id: '0198c5a2-7f00-7000-8000-000000000001',
      workspaceId: '0198c5a2-7f00-7000-8000-000000000002',
      version: 1,
      kind: 'link',
      state: 'active',
      target: { url: 'https://example.org/' },
      activeFrom: '2026-11-24T12:00:00.000Z',
      limit: { maxScans: 3, claimMode: 'direct' },
    });
    expect(fields).toEqual({ state: 'active', activeFrom: now, expiresAt: undefined, maxScans: 3 });
  });
});
