import fc from 'fast-check';
import { CreateCodeSchema, QrQuerySchema, SlugSchema, UpdateCodeSchema } from './codes.js';
import { TargetUrlSchema } from './targets.js';
import { InstantSchema } from './primitives.js';

describe('the target of a link', () => {
  it.each([
    'https://example.com',
    'http://example.com:8080/a?b=c#d',
    'https://例え.jp/ü',
    'HTTPS://EXAMPLE.COM/',
    'https://[::1]/x',
  ])('may be %s', (url) => {
    expect(TargetUrlSchema.safeParse(url).success).toBe(true);
  });

  it.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    ' https://example.com',
    'https://example.com/\u0000',
    'https://example.com/\r\nSet-Cookie: a=b',
    'https://example.com/\u0085',
    'https://user:pass@example.com/',
    'https://user@example.com/',
    'https:\\\\example.com',
    'https:///example.com',
    'https:example.com',
    '//example.com',
    '/relative',
    'data:text/html,x',
    'file:///etc/passwd',
    'blob:https://example.com/x',
    'ftp://example.com',
    'https://',
    '',
    `https://example.com/${'x'.repeat(4096)}`,
  ])('may not be %j', (url) => {
    expect(TargetUrlSchema.safeParse(url).success).toBe(false);
  });

  it('is never something that breaks a header or leaves http', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.webUrl().map((url) => url.replace('https', 'javascript')),
        ),
        (text) => {
          const parsed = TargetUrlSchema.safeParse(text);
          if (!parsed.success) return;
          expect(parsed.data).not.toMatch(/[\r\n\0]/);
          expect(new URL(parsed.data).protocol).toMatch(/^https?:$/);
        },
      ),
    );
  });
});

describe('a code’s body', () => {
  it('is a link when nothing else is said', () => {
    expect(CreateCodeSchema.parse({ target: { url: 'https://example.com' } }).kind).toBe('link');
  });
  it('refuses fields that it does not know', () => {
    expect(CreateCodeSchema.safeParse({ target: { url: 'https://example.com' }, pasword: 'x' }).success).toBe(false);
    expect(CreateCodeSchema.safeParse({ target: { url: 'https://example.com', also: 1 } }).success).toBe(false);
  });
  it('must change something', () => {
    expect(UpdateCodeSchema.safeParse({}).success).toBe(false);
    expect(UpdateCodeSchema.safeParse({ title: null }).success).toBe(true);
  });
  it.each(['a', 'x'.repeat(65), 'a b', 'a/b', 'a.b', 'ä-ö', 'a\n'])('refuses the slug %j', (slug) => {
    expect(SlugSchema.safeParse(slug).success).toBe(false);
  });
});

describe('an instant', () => {
  it('is answered in UTC with milliseconds, whatever offset it came with', () => {
    expect(InstantSchema.parse('2026-11-24T23:00:00+01:00')).toBe('2026-11-24T22:00:00.000Z');
  });
  it.each(['2026-11-24', 'yesterday', 1, '2026-13-01T00:00:00Z'])('refuses %j', (value) => {
    expect(InstantSchema.safeParse(value).success).toBe(false);
  });
});

describe('the query of an image', () => {
  it.each([{ size: '63' }, { size: '4097' }, { margin: '-1' }, { format: 'gif' }, { dark: 'red' }, { sise: '64' }])(
    'refuses %j',
    (query) => {
      expect(QrQuerySchema.safeParse(query).success).toBe(false);
    },
  );
});
