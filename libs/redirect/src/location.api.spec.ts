import { get } from 'node:http';
import { accessMigrations, AccessModule, AccessService } from '@signet/access';
import { auditMigrations } from '@signet/audit';
import { CodesModule, codesMigrations } from '@signet/codes';
import { scansMigrations } from '@signet/scans';
import { createTestApp, openTestPlatform, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import * as fc from 'fast-check';
import { RedirectModule } from './redirect.module.js';

/** What attackers build targets from: other schemes, hidden hosts, header breaks, encodings of them, look-alikes. */
const PIECES = [
  'http://',
  'https://',
  'HTTPS://',
  'javascript:',
  'java\tscript:',
  'data:text/html,',
  'vbscript:',
  'file:///',
  'blob:',
  '//',
  '/\\',
  '\\\\',
  'evil.example',
  'good.example',
  'раураӏ.com',
  'xn--80ak6aa92e.com',
  'user:secret@',
  '@',
  ':8443',
  '\r\nSet-Cookie: a=b',
  '\r\n\r\n<script>',
  '\n',
  '\t',
  '\u0000',
  '\u0085',
  '\u2028',
  '\u202e',
  '\ufeff',
  '%0d%0aSet-Cookie:%20a=b',
  '%250d%250a',
  '%2f%2fevil.example',
  '%5cevil.example',
  '%6aavascript:',
  '&#x6a;avascript:',
  '?next=javascript:alert(1)',
  '#javascript:alert(1)',
  '。',
  '％2e',
  'ⓔvil.example',
  '[::ffff:127.0.0.1]',
  '2130706433',
  ' ',
  '/path',
  '..',
];

describe('the Location of a redirect', () => {
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let admin: string;
  let base: string;
  beforeAll(async () => {
    platform = await openTestPlatform(
      [...auditMigrations, ...accessMigrations, ...codesMigrations, ...scansMigrations],
      { SIGNET_UNKNOWN_SLUGS_PER_MINUTE: '0' },
    );
    app = await createTestApp(platform, [AccessModule, CodesModule, RedirectModule]);
    admin = (await app.get(AccessService).bootstrap()) ?? '';
    await app.listen(0, '127.0.0.1');
    base = await app.getUrl();
  });
  afterAll(async () => {
    await app.close();
    await platform.close();
  });

  /** Over a socket, where a broken header would show. @returns the raw headers, names and values in turns */
  const scan = (slug: string): Promise<{ status: number; raw: string[] }> =>
    new Promise((resolve, reject) => {
      get(`${base}/${slug}`, { agent: false }, (answer) => {
        answer.resume();
        resolve({ status: answer.statusCode ?? 0, raw: answer.rawHeaders });
      }).on('error', reject);
    });

  /** Where a browser goes that stands at `base`. */
  const locationOf = async (target: object, query = ''): Promise<string | undefined> => {
    const headers = { authorization: `Bearer ${admin}` };
    const created = await app.inject({ method: 'POST', url: '/v1/codes', headers, payload: target });
    if (created.statusCode !== 201) {
      expect(created.statusCode).toBe(422);
      return undefined;
    }
    const { status, raw } = await scan(`${created.json().slug}${query}`);
    const names = raw.filter((_text, index) => index % 2 === 0).map((name) => name.toLowerCase());
    expect([status, names.filter((name) => name === 'location'), names.includes('set-cookie')]).toEqual([
      302,
      ['location'],
      false,
    ]);
    return raw[names.indexOf('location') * 2 + 1];
  };

  const madeUp = fc.oneof(
    fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join('')),
    fc
      .tuple(
        fc.constantFrom('http://', 'https://'),
        fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 4 }),
      )
      .map(([scheme, pieces]) => scheme + pieces.join('')),
    fc
      .tuple(fc.webUrl({ withFragments: true, withQueryParameters: true }), fc.string({ unit: 'binary', maxLength: 6 }))
      .map(([url, tail]) => url + tail),
  );

  it('never leaves http and https, never has a line break, and leads to the host that was checked', async () => {
    let passed = 0;
    await fc.assert(
      fc.asyncProperty(madeUp, async (url) => {
        const location = await locationOf({ kind: 'link', target: { url } });
        if (location === undefined) return;
        passed += 1;
        expect(location).toMatch(/^https?:\/\/[\x21-\x7e]+$/i);
        const [led, checked] = [new URL(location, base), new URL(url)];
        expect([led.protocol, led.host, led.username]).toEqual([checked.protocol, checked.host, '']);
      }),
      { numRuns: 300 },
    );
    // Else the property would say nothing.
    expect(passed).toBeGreaterThan(30);
  });

  it('is held to the same by a rule, a store, a fallback and what a code that is off leads to', async () => {
    const good = 'https://good.example/';
    const shapes: ((url: string) => object)[] = [
      (url) => ({ target: { url: good }, rules: [{ when: {}, target: { url } }] }),
      (url) => ({ kind: 'app', target: { ios: good, fallback: url } }),
      (url) => ({ target: { url: good }, offUrl: url, expiresAt: '2000-01-01T00:00:00Z' }),
    ];
    let passed = 0;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...shapes), madeUp, async (shape, url) => {
        const location = await locationOf(shape(url));
        if (location === undefined) return;
        passed += 1;
        expect(location).toMatch(/^https?:\/\/[\x21-\x7e]+$/i);
        expect(new URL(location, base).host).toBe(new URL(url).host);
      }),
      { numRuns: 200 },
    );
    expect(passed).toBeGreaterThan(20);
  });

  it('keeps scheme, host, path and fragment whatever query a scan brings', async () => {
    const code = { target: { url: 'https://good.example/menu?table=4#top' }, forwardQuery: true };
    const brought = fc
      .array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: 'binary', maxLength: 6 })), { maxLength: 5 })
      .map((pieces) => pieces.join(''));
    await fc.assert(
      fc.asyncProperty(brought, async (text) => {
        // As far as a request line carries it; the other half is in percent already.
        const query = `a=${encodeURI(text.toWellFormed())}&${encodeURIComponent(text.toWellFormed())}`;
        const location = (await locationOf(code, `?${query}`)) ?? '';
        expect(location).toMatch(/^https:\/\/good\.example\/menu\?[\x21-\x7e]+#top$/);
        const { origin, pathname, hash, searchParams } = new URL(location);
        expect([origin, pathname, hash]).toEqual(['https://good.example', '/menu', '#top']);
        expect(searchParams.get('table')).toBe('4');
      }),
      { numRuns: 100 },
    );
  });

  it('of a code that is off is held to the same', async () => {
    const headers = { authorization: `Bearer ${admin}` };
    for (const offUrl of [
      'javascript:alert(1)',
      '//evil.example',
      'https://a@b.example/',
      'https://a.example/\r\nX: y',
    ])
      expect(
        (
          await app.inject({
            method: 'POST',
            url: '/v1/codes',
            headers,
            payload: { kind: 'link', target: { url: 'https://example.org/' }, offUrl },
          })
        ).statusCode,
      ).toBe(422);
  });
});
