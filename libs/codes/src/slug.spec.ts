import { RESERVED_SLUGS, SlugSchema } from '@signet/contracts';
import * as fc from 'fast-check';
import { codeKey, isReserved, PLAIN_SLUG_LENGTH, PROTECTED_SLUG_LENGTH, randomSlug, slugsLike } from './slug.js';

const anySlug = fc.stringMatching(/^[A-Za-z0-9_-]{2,64}$/);

describe('the key of a slug', () => {
  it('is a short slug itself, and the hash of one as long as a secret', () => {
    expect(codeKey('summer')).toBe('summer');
    expect(codeKey('a'.repeat(21))).toBe('a'.repeat(21));
    expect(codeKey('a'.repeat(22))).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  it('is different for different slugs', () => {
    fc.assert(fc.property(anySlug, anySlug, (one, other) => (codeKey(one) === codeKey(other)) === (one === other)));
    // The one way to meet: a chosen slug that looks like the hash of another; it is long, so it is hashed itself.
    const hash = codeKey('a'.repeat(22));
    expect(codeKey(hash)).not.toBe(hash);
  });

  it('never is a random slug of a protected code', () => {
    const slug = randomSlug(PROTECTED_SLUG_LENGTH);
    expect(codeKey(slug)).not.toContain(slug);
  });
});

it('draws random slugs in base58, each another', () => {
  const slugs = Array.from({ length: 1000 }, () => randomSlug(PLAIN_SLUG_LENGTH));
  for (const slug of slugs) expect(slug).toMatch(/^[1-9A-HJ-NP-Za-km-z]{8}$/);
  expect(new Set(slugs).size).toBe(1000);
  expect(new Set(slugs.join('')).size).toBe(58);
});

describe('a reserved word', () => {
  it.each([...RESERVED_SLUGS])('%s is refused in every case of letters, and is not with an ending', (slug) => {
    expect([slug, slug.toUpperCase()].map(isReserved)).toEqual([true, true]);
    expect(isReserved(`${slug}-2`)).toBe(false);
  });

  it.each([
    'l0gin',
    'LOG1N',
    'Iogin',
    'logln',
    'd0cs',
    'V1',
    'vl',
    'vI',
    'c1aim',
    'ap1',
    'heaIthz',
    'CONS0LE',
    'stat1c',
  ])('is what a reader may take %s for', (slug) => {
    expect(isReserved(slug)).toBe(true);
  });

  it.each(['menu', 'log-in', 'docs2', 'v2', 'vv', 'apis', 'log1', 'i0', 'signet_de'])('is not %s', (slug) => {
    expect(isReserved(slug)).toBe(false);
  });
});

it('suggests slugs that can be had in place of any, none of them reserved', () => {
  fc.assert(
    fc.property(fc.oneof(anySlug, fc.constantFrom(...RESERVED_SLUGS)), (slug) => {
      const like = slugsLike(slug);
      expect(new Set(like).size).toBe(9);
      for (const one of like) {
        expect([one, SlugSchema.safeParse(one).success, isReserved(one)]).toEqual([one, true, false]);
        expect(one).not.toBe(slug);
      }
    }),
  );
});
