import { CreateCodeSchema, TargetSettingsSchema } from '@signet/contracts';
import { SignetError } from '@signet/platform';
import * as fc from 'fast-check';
import { storedCode, targetRules } from './codes.fixture.js';
import { checkTargets, targetHostOf, targetUrlsOf } from './target-safety.js';

const refusedPaths = (act: () => void): string[] | undefined => {
  try {
    act();
    return undefined;
  } catch (error) {
    if (!(error instanceof SignetError) || error.kind !== 'target-not-allowed') throw error;
    return error.details.errors?.map(({ path }) => path);
  }
};
const everywhere = storedCode({
  kind: 'app',
  target: {
    ios: 'https://apps.apple.com/app/id1',
    android: 'https://play.google.com/store/apps/details?id=a',
    fallback: 'https://example.org/',
    deepLink: 'myapp://open/1',
  },
  rules: [
    { when: { os: 'ios' }, target: { url: 'https://a.example.org/' } },
    { when: { os: 'android' }, target: { url: 'https://b.example.org/', deepLink: 'other:x' } },
  ],
  offUrl: 'https://off.example.org/',
});

describe('the URLs of a code', () => {
  it('are all those that it can lead to, each with its place', () => {
    expect(targetUrlsOf(everywhere).map(({ path }) => path)).toEqual([
      'target.ios',
      'target.android',
      'target.fallback',
      'target.deepLink',
      'rules.0.target.url',
      'rules.1.target.url',
      'rules.1.target.deepLink',
      'offUrl',
    ]);
  });

  it('have the host that people see; what is shown here has none', () => {
    expect(targetHostOf({ url: 'https://bücher.example/a' })).toEqual({
      ascii: 'xn--bcher-kva.example',
      unicode: 'bücher.example',
      warning: null,
    });
    expect(targetHostOf({ type: 'links', title: 'Us', links: [] })).toBeNull();
  });
});

describe('checkTargets', () => {
  it('looks at the links of a page, too', () => {
    const target = { type: 'links' as const, title: 'Us', links: [{ label: 'Old', url: 'https://old.example/' }] };
    const page = storedCode({ kind: 'page', target });
    expect(refusedPaths(() => checkTargets(page, targetRules({ allowedHosts: ['example.org'] })))).toEqual([
      'target.links.0.url',
    ]);
  });

  it('lets no app be opened that the workspace has not allowed', () => {
    expect(refusedPaths(() => checkTargets(everywhere, targetRules()))).toEqual([
      'target.deepLink',
      'rules.1.target.deepLink',
    ]);
    expect(refusedPaths(() => checkTargets(everywhere, targetRules({ allowedSchemes: ['myapp'] })))).toEqual([
      'rules.1.target.deepLink',
    ]);
    const rules = targetRules({ allowedSchemes: ['myapp', 'other'] });
    expect(refusedPaths(() => checkTargets(everywhere, rules))).toBeUndefined();
  });

  it('keeps a workspace to its hosts, wherever a code may lead', () => {
    const rules = targetRules({ allowedHosts: ['*.example.org'], allowedSchemes: ['myapp', 'other'] });
    expect(refusedPaths(() => checkTargets(everywhere, rules))).toEqual([
      'target.ios',
      'target.android',
      'target.fallback',
    ]);
  });

  it.each([
    ['example.org', 'https://example.org/', true],
    ['example.org', 'http://EXAMPLE.org.:8080/', true],
    ['example.org', 'https://www.example.org/', false],
    ['*.example.org', 'https://a.b.example.org/', true],
    ['*.example.org', 'https://example.org/', false],
    ['*.example.org', 'https://evilexample.org/', false],
    ['example.org', 'https://example.org.evil.example/', false],
    ['example.org', 'https://evil.example/?example.org', false],
    ['bücher.example', 'https://xn--bcher-kva.example/', true],
    ['EXAMPLE.org', 'https://example.org/', true],
    ['192.0.2.1', 'http://0xc0000201/', true],
  ])('takes %s to cover %s: %s', (pattern, url, covered) => {
    const { allowedHosts } = TargetSettingsSchema.parse({ allowedHosts: [pattern] });
    const act = (): void => checkTargets(storedCode({ target: { url } }), targetRules({ allowedHosts }));
    expect(refusedPaths(act)).toEqual(covered ? undefined : ['target.url']);
  });

  it.each([
    ['https://sgn.example/other', 'https://sgn.example'],
    ['http://sgn.example/other', 'https://sgn.example'],
    ['https://SGN.example./x', 'https://sgn.example'],
    ['https://sgn.example:443/x', 'https://sgn.example'],
    ['https://xn--bcher-kva.example/', 'https://bücher.example'],
    ['http://127.0.0.1:8080/x', 'http://127.0.0.1:8080'],
    ['http://0x7f.1:8080/x', 'http://127.0.0.1:8080'],
  ])('refuses %s under %s, which would go round in circles', (url, ours) => {
    expect(refusedPaths(() => checkTargets(storedCode({ target: { url } }), targetRules({ ours })))).toEqual([
      'target.url',
    ]);
  });

  it.each([
    ['https://example.org/sgn.example', 'https://sgn.example'],
    ['https://www.sgn.example/', 'https://sgn.example'],
    ['http://127.0.0.1:9000/', 'http://127.0.0.1:8080'],
  ])('lets %s pass under %s', (url, ours) => {
    expect(refusedPaths(() => checkTargets(storedCode({ target: { url } }), targetRules({ ours })))).toBeUndefined();
  });
});

describe('settings of targets', () => {
  it.each([
    'javascript',
    'data',
    'file',
    'blob',
    'vbscript',
    'JavaScript:',
    'https',
    'http:',
    'x',
    'my app',
    'a/b',
    '',
  ])('never allow the scheme %j', (scheme) =>
    expect(TargetSettingsSchema.safeParse({ allowedSchemes: [scheme] }).success).toBe(false),
  );

  it.each([
    '*',
    '*.',
    'a b',
    'https://example.org',
    'example.org/path',
    'user@example.org',
    '*.*.example.org',
    'a%2eb',
  ])('know no host like %j', (host) =>
    expect(TargetSettingsSchema.safeParse({ allowedHosts: [host] }).success).toBe(false),
  );

  it('are kept as URLs have them', () => {
    const given = { allowedHosts: ['*.BÜCHER.example', 'Example.ORG'], allowedSchemes: ['MyApp:'] };
    expect(TargetSettingsSchema.parse(given)).toEqual({
      allowedHosts: ['*.xn--bcher-kva.example', 'example.org'],
      allowedSchemes: ['myapp'],
    });
  });
});

describe('a target that somebody made up', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'javascript:',
      'data:',
      'http:',
      'https:',
      '//',
      '/',
      '\\',
      '@',
      '\r\n',
      '\t',
      '%0d%0a',
      '%00',
      '#',
    ),
    fc.constantFrom('evil.example', 'sgn.example', 'раураӏ.com', '%6a', '&#106;', ' ', '\u202e', '?', ':', 'x'),
    fc.string({ maxLength: 4, unit: 'binary' }),
  );
  const madeUp = fc.array(piece, { minLength: 1, maxLength: 8 }).map((pieces) => pieces.join(''));

  it('is http or https with a host and nothing hidden, or it is refused', () => {
    fc.assert(
      fc.property(madeUp, (url) => {
        const parsed = CreateCodeSchema.safeParse({ kind: 'link', target: { url } });
        if (!parsed.success) return;
        const { protocol, hostname, username, password } = new URL(url);
        expect([['http:', 'https:'].includes(protocol), hostname !== '', username, password]).toEqual([
          true,
          true,
          '',
          '',
        ]);
        expect(/[\s\\\p{Cc}]/u.test(url)).toBe(false);
      }),
      { numRuns: 5000 },
    );
  });
});
