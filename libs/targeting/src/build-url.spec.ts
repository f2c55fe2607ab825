import * as fc from 'fast-check';
import { buildUrl } from './build-url.js';

const hex = fc.string({ unit: fc.constantFrom('0', '7', 'a', 'b', 'f') });

describe('the query of a target', () => {
  it.each([
    ['https://a.example/p?x=1#top', {}, 'https://a.example/p?x=1#top'],
    ['https://a.example/p?x=%20+y#top', { query: 'b=2' }, 'https://a.example/p?x=%20+y#top'],
    ['https://a.example/p#top', { forwardQuery: true, query: 'b=2&c' }, 'https://a.example/p?b=2&c#top'],
    ['https://a.example/?b=1&x=%20+y', { forwardQuery: true, query: 'b=2&b=3' }, 'https://a.example/?x=%20+y&b=2&b=3'],
    ['https://a.example/?%62=1', { forwardQuery: true, query: 'b=2' }, 'https://a.example/?b=2'],
    [
      'https://a.example',
      { utm: { source: 'poster & co', medium: 'qr' } },
      'https://a.example?utm_source=poster%20%26%20co&utm_medium=qr',
    ],
    [
      'https://a.example/?utm_source=mine',
      { utm: { source: 'x', medium: 'qr' } },
      'https://a.example/?utm_source=mine&utm_medium=qr',
    ],
    [
      'https://a.example/?utm_source=mine',
      { utm: { source: 'x', term: 't' }, forwardQuery: true, query: 'utm_source=bus&utm_term=u' },
      'https://a.example/?utm_source=bus&utm_term=u',
    ],
    ['https://a.example/', { forwardQuery: true, query: '&&' }, 'https://a.example/'],
    ['https://a.example/', { forwardQuery: true, query: 'x=%zz' }, 'https://a.example/?x=%zz'],
  ])('%s with %j is %s', (url, additions, expected) => {
    expect(buildUrl(url, additions)).toBe(expected);
  });

  it('never leads to another scheme, host, path or fragment, whatever comes with the scan', () => {
    const nasty = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string(),
      fc.constantFrom('#@evil.example', '\r\nLocation: //evil', '/../..//evil', '?#', '%0d%0a', '\ud800', '\\evil'),
    );
    const url = fc.webUrl({ withFragments: true, withQueryParameters: true });
    fc.assert(
      fc.property(url, nasty, nasty, (target, query, source) => {
        const built = buildUrl(target, { forwardQuery: true, query, utm: { source: Buffer.from(source).toString() } });
        const [before, after] = [new URL(target), new URL(built)];
        expect([after.origin, after.pathname, after.hash]).toEqual([before.origin, before.pathname, before.hash]);
        expect(built).toMatch(/^[\x21-\x7e]*$/);
      }),
      { numRuns: 3000 },
    );
  });

  it('keeps every parameter of the target that the scan does not name', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          hex.filter((text) => text !== ''),
          hex,
        ),
        (own) => {
          const target = `https://a.example/?${new URLSearchParams(own).toString()}`;
          const params = new URL(buildUrl(target, { forwardQuery: true, query: 'other=1' })).searchParams;
          expect(Object.fromEntries(params)).toEqual({ ...own, other: '1' });
        },
      ),
    );
  });
});
