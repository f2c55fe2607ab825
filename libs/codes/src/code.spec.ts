import type { CodeSnapshot, CodeStatus } from '@signet/contracts';
import { ifMatchAllows, isFresh, SignetError } from '@signet/platform';
import * as fc from 'fast-check';
import {
  applyUpdate,
  changesBetween,
  checkFields,
  editableFields,
  fieldsAfter,
  firstChanges,
  initialFields,
  wholeFields,
  type GivenFields,
} from './code-rules.js';
import { claimModeOf, statusOf, toCode, toEventData, toSnapshot, type StoredCode } from './code.js';
import { storedCode, targetRules } from './codes.fixture.js';

const at = new Date('2026-11-24T12:00:00.000Z');
const before = '2026-11-24T11:59:59.999Z';
const now = at.toISOString();
const after = '2026-11-24T12:00:00.001Z';
const publicUrl = 'https://sgn.example';

const codeWith = (differences: Partial<StoredCode> = {}): StoredCode =>
  storedCode({
    id: '0198c5a2-7f00-7000-8000-000000000001',
    slug: 'summer',
    slugKey: 'summer',
    version: 3,
    createdAt: before,
    updatedAt: before,
    createdBy: 'key:0198c5a2-7f00-7000-8000-000000000003',
    ...differences,
  });

describe('the status', () => {
  it.each<[CodeStatus, Partial<StoredCode>]>([
    ['active', {}],
    ['active', { activeFrom: now }],
    ['active', { expiresAt: after }],
    ['active', { maxScans: 2, scansUsed: 1 }],
    ['active', { maxScans: null, scansUsed: 9 }],
    ['scheduled', { activeFrom: after }],
    ['expired', { expiresAt: now }],
    ['expired', { expiresAt: before, maxScans: 1, scansUsed: 1 }],
    ['exhausted', { maxScans: 1, scansUsed: 1 }],
    ['exhausted', { maxScans: 1, scansUsed: 1, activeFrom: after }],
    ['paused', { state: 'paused', expiresAt: before }],
    ['revoked', { state: 'revoked', expiresAt: before, maxScans: 1, scansUsed: 1 }],
    ['archived', { state: 'archived', activeFrom: after }],
  ])('is %s of %j', (status, differences) => {
    expect(statusOf(codeWith(differences), at)).toBe(status);
  });
});

describe('the claim mode', () => {
  it.each([
    [null, { maxScans: null }],
    [null, { maxScans: null, claimMode: 'direct' as const }],
    ['interstitial', { maxScans: 1 }],
    ['direct', { maxScans: 2 }],
    ['direct', { maxScans: 1, claimMode: 'direct' as const }],
    ['interstitial', { maxScans: 2, claimMode: 'interstitial' as const }],
  ])('is %s of %j', (mode, differences) => {
    expect(claimModeOf(codeWith(differences))).toBe(mode);
  });
});

describe('what leaves the context', () => {
  const secretSlug = 'aB3dE6gH9jK2mN5pQ8sT1v';

  it('is a snapshot with the limit, the times and the slug', () => {
    const code = codeWith({ activeFrom: before, expiresAt: after, maxScans: 1, scansUsed: 1, title: 'Summer' });
    expect(toSnapshot(code)).toEqual<CodeSnapshot>({
      id: code.id,
      workspaceId: code.workspaceId,
      slug: 'summer',
      version: 3,
      kind: 'link',
      state: 'active',
      target: { url: 'https://example.org/' },
      activeFrom: before,
      expiresAt: after,
      limit: { maxScans: 1, claimMode: 'interstitial' },
    });
    expect(Object.keys(toSnapshot(codeWith()))).not.toContain('limit');
  });

  it.each([
    ['a limited code with a slug too long to be guessed', { slug: secretSlug, maxScans: 1 }, false],
    ['a kind whose slug is not stored', { slug: null, kind: 'enrollment' as const }, false],
    ['a limited code with a chosen name', { slug: 'raffle', maxScans: 100 }, true],
    ['a plain link with a long name', { slug: 'the-summer-campaign-of-2026' }, true],
  ])('has the slug of %s in snapshot and event as it may: %j → %s', (_name, differences, shown) => {
    const code = codeWith(differences);
    expect(toSnapshot(code).slug).toBe(shown ? code.slug : undefined);
    const event = toEventData(code, { publicUrl, at });
    expect(event.slug).toBe(shown ? code.slug : null);
    expect(event.shortUrl).toBe(shown ? `${publicUrl}/${code.slug}` : null);
    expect(JSON.stringify([toSnapshot(code), event]).includes(code.slug ?? secretSlug)).toBe(shown);
  });

  it('is the code as the API shows it, without what is only stored', () => {
    expect(toCode(codeWith({ maxScans: 2, scansUsed: 2 }), { publicUrl, at })).toEqual({
      id: '0198c5a2-7f00-7000-8000-000000000001',
      slug: 'summer',
      shortUrl: 'https://sgn.example/summer',
      kind: 'link',
      status: 'exhausted',
      version: 3,
      target: { url: 'https://example.org/' },
      title: null,
      tags: [],
      folder: null,
      notes: null,
      campaign: null,
      owner: null,
      domain: null,
      brandId: null,
      rules: [],
      forwardQuery: false,
      utm: null,
      offUrl: null,
      hasPassword: false,
      activeFrom: null,
      expiresAt: null,
      maxScans: 2,
      claimMode: 'direct',
      targetHost: { ascii: 'example.org', unicode: 'example.org', warning: null },
      targetHealth: null,
      scansUsed: 2,
      importedScans: 0,
      createdAt: before,
      updatedAt: before,
      createdBy: 'key:0198c5a2-7f00-7000-8000-000000000003',
      revokedReason: null,
      reissuedFrom: null,
      reissuedAs: null,
    });
  });
});

describe('the rules', () => {
  const kindOf = (act: () => void): string | undefined => {
    try {
      act();
      return undefined;
    } catch (error) {
      return error instanceof SignetError ? error.kind : 'not a SignetError';
    }
  };

  it.each([
    ['invalid-request', { activeFrom: now, expiresAt: now }],
    ['invalid-request', { activeFrom: now, expiresAt: before }],
    [undefined, { activeFrom: now, expiresAt: after }],
    ['invalid-request', { maxScans: 2, scansUsed: 3 }],
    [undefined, { maxScans: 3, scansUsed: 3 }],
    [undefined, { maxScans: null, scansUsed: 3 }],
  ])('answer %s to %j', (kind, differences) => {
    expect(kindOf(() => checkFields(codeWith(differences), targetRules({ ours: publicUrl })))).toBe(kind);
  });
});

describe('an update', () => {
  it('changes what it names, empties what it names as null, and tells both', () => {
    const code = codeWith({ title: 'Summer', tags: ['a'], expiresAt: after });
    const updated = applyUpdate(code, { title: 'Winter', expiresAt: null });
    expect(updated).toEqual({ ...code, title: 'Winter', expiresAt: null });
    expect(changesBetween(code, updated)).toEqual([
      { field: 'title', from: 'Summer', to: 'Winter' },
      { field: 'expiresAt', from: after, to: null },
    ]);
  });

  it('with what is already there changes nothing', () => {
    const code = codeWith({ tags: ['a', 'b'], maxScans: 5 });
    const same = applyUpdate(code, { target: { ...code.target }, tags: ['a', 'b'], maxScans: 5, title: null });
    expect(changesBetween(code, same)).toEqual([]);
  });

  it('begins the history of a new code with what was given', () => {
    const fields = initialFields({ target: { url: 'https://example.org/' }, tags: [], maxScans: 1 });
    expect(firstChanges(fields)).toEqual([
      { field: 'target', from: null, to: { url: 'https://example.org/' } },
      { field: 'maxScans', from: null, to: 1 },
    ]);
  });
});

describe('a former version', () => {
  const update: fc.Arbitrary<GivenFields> = fc.record(
    {
      target: fc.webUrl().map((url) => ({ url })),
      title: fc.option(fc.string()),
      tags: fc.array(fc.string(), { maxLength: 3 }),
      folder: fc.option(fc.string()),
      activeFrom: fc.constantFrom(before, null),
      expiresAt: fc.constantFrom(after, null),
      maxScans: fc.option(fc.nat()),
      claimMode: fc.constantFrom<'interstitial' | 'direct'>('interstitial', 'direct'),
    },
    { requiredKeys: [] },
  );

  it('is what the changes up to it add up to, whatever was edited before and after', () => {
    fc.assert(
      fc.property(update, fc.array(update, { maxLength: 8 }), (first, updates) => {
        let code = codeWith(initialFields({ target: { url: 'https://example.org/' }, ...first }));
        const history = [firstChanges(code)];
        for (const body of updates) {
          const edited = applyUpdate(code, body);
          history.push(changesBetween(code, edited));
          code = edited;
          expect(wholeFields(fieldsAfter(history.flat()))).toEqual(editableFields(code));
        }
      }),
    );
  });

  it('of another release has the defaults of what that did not know, and nothing that is no field any more', () => {
    const target = { url: 'https://example.org/' };
    expect(wholeFields({ target, title: 'Summer', colour: 'red' })).toEqual({
      ...initialFields({ target }),
      title: 'Summer',
    });
    expect(wholeFields({ title: 'Summer' })).toBeUndefined();
  });
});

describe('conditional requests', () => {
  it.each([
    [undefined, true],
    ['"3"', true],
    ['*', true],
    ['"1", "3"', true],
    ['"2"', false],
    ['W/"3"', false],
    ['3', false],
    ['', false],
  ])('If-Match %j lets a change of "3" go ahead: %s', (header, allowed) => {
    expect(ifMatchAllows(header, '"3"')).toBe(allowed);
  });

  it.each([
    [undefined, false],
    ['"3.x"', true],
    ['W/"3.x"', true],
    ['"2.x", "3.x"', true],
    ['*', true],
    ['"3.y"', false],
  ])('If-None-Match %j finds "3.x" fresh: %s', (header, fresh) => {
    expect(isFresh(header, '"3.x"')).toBe(fresh);
  });
});
