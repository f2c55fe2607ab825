import { accessMigrations, AccessModule, AccessService } from '@signet/access';
import { auditMigrations } from '@signet/audit';
import { codeKey, CodesModule, codesMigrations } from '@signet/codes';
import {
  BrandSchema,
  CodeOriginSchema,
  CodeSchema,
  DomainSchema,
  ORIGIN_VERDICTS,
  type Code,
  type OriginVerdict,
} from '@signet/contracts';
import { DomainsModule, SiteDirectory } from '@signet/domains';
import { languages, type Language } from '@signet/pages';
import { newId } from '@signet/platform';
import { scansMigrations } from '@signet/scans';
import { createTestApp, openTestPlatform, until, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { RedirectModule } from './redirect.module.js';

const TARGET = 'https://target.example/secret';
const HOUR = 3_600_000;

describe('/check', () => {
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let admin: string;
  /** A link for each verdict. */
  const links = {} as Record<OriginVerdict, string>;

  const api = async (url: string, payload: object, key = admin) =>
    (await app.inject({ method: 'POST', url, payload, headers: { authorization: `Bearer ${key}` } })).json();
  const create = async (body: object = {}, key = admin): Promise<Code & { shortUrl: string }> => {
    const code = CodeSchema.parse(await api('/v1/codes', { target: { url: TARGET }, ...body }, key));
    return { ...code, shortUrl: code.shortUrl ?? '' };
  };
  let address = 0;
  const check = (link: string, { headers = {}, ip = `203.0.113.${++address % 256}` } = {}) =>
    app.inject({
      method: 'POST',
      url: '/check',
      remoteAddress: ip,
      payload: new URLSearchParams({ link }).toString(),
      headers: { host: 'sgn.example', 'content-type': 'application/x-www-form-urlencoded', ...headers },
    });
  const askAs = async (link: string, headers = {}) =>
    CodeOriginSchema.parse((await check(link, { headers: { accept: 'application/json', ...headers } })).json());

  beforeAll(async () => {
    platform = await openTestPlatform(
      [...auditMigrations, ...accessMigrations, ...codesMigrations, ...scansMigrations],
      {
        SIGNET_PUBLIC_URL: 'https://sgn.example',
        SIGNET_UNKNOWN_SLUGS_PER_MINUTE: '10',
      },
    );
    app = await createTestApp(platform, [AccessModule, CodesModule, DomainsModule, RedirectModule]);
    admin = (await app.get(AccessService).bootstrap()) ?? '';
    const now = platform.clock.now().getTime();
    const expired = await create({ expiresAt: new Date(now + HOUR).toISOString() });
    platform.clock.advance(2 * HOUR);
    const [active, scheduled, paused, exhausted, revoked] = [
      await create(),
      await create({ activeFrom: new Date(now + 24 * HOUR).toISOString() }),
      await create(),
      await create({ maxScans: 1 }),
      await create(),
    ];
    await api(`/v1/codes/${paused.id}/pause`, {});
    await app.inject({ method: 'POST', url: `/${exhausted.slug}/claim`, headers: { host: 'sgn.example' } });
    await api(`/v1/codes/${revoked.id}/revoke`, { reason: 'test' });
    const known = Object.entries({ active, scheduled, paused, expired, exhausted, revoked });
    for (const [verdict, { shortUrl }] of known) links[verdict as OriginVerdict] = shortUrl;
    links.unknown = 'https://sgn.example/nobody-has-this';
    links.foreign = 'https://evil.example/nobody-has-this';
  });
  afterAll(async () => {
    await app.close();
    await platform.close();
  });

  it.each(ORIGIN_VERDICTS)('tells a program of a link that is %s, and nothing else', async (verdict) => {
    const issuedHere = verdict !== 'unknown' && verdict !== 'foreign';
    expect(await askAs(links[verdict])).toEqual({ verdict, issuedHere, issuedBy: null });
  });

  it.each(Object.keys(languages) as Language[])('tells people in %s, and leaks no target', async (language) => {
    for (const verdict of ORIGIN_VERDICTS) {
      const { statusCode, headers, body } = await check(links[verdict], { headers: { 'accept-language': language } });
      const { title, happened, todo } = languages[language].check.verdicts[verdict];
      expect([statusCode, headers['content-language'], headers['cache-control']]).toEqual([200, language, 'no-store']);
      for (const sentence of [title, happened, todo]) expect(body).toContain(sentence.replaceAll("'", '&#39;'));
      expect(body).not.toMatch(/target\.example|nobody-has-this|<script/);
      expect(Buffer.byteLength(body)).toBeLessThan(30_000);
    }
  });

  it('asks with a form that needs no script, and gives the camera to no other page', async () => {
    const { statusCode, headers, body } = await app.inject({ url: '/check', headers: { host: 'sgn.example' } });
    expect([statusCode, headers['permissions-policy']]).toEqual([200, 'camera=(self), geolocation=(), microphone=()']);
    expect(headers['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'sha256-\S+( 'sha256-\S+)+; img-src 'self'; script-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
    );
    expect(body).toContain('<form method="post" action="/check">');
    expect(body).toContain('shows sgn.example.');
    const other = await app.inject({ url: '/nobody-has-this', headers: { host: 'sgn.example' } });
    expect(other.headers['permissions-policy']).toBe('camera=(), geolocation=(), microphone=()');
  });

  it('answers HEAD, and ignores what a query says', async () => {
    const head = await app.inject({ method: 'HEAD', url: '/check', headers: { host: 'sgn.example' } });
    expect([head.statusCode, head.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    const { body } = await app.inject({ url: `/check?link=${links.active}`, headers: { host: 'sgn.example' } });
    expect(body).toContain('<h1>Check a code</h1>');
  });

  it('serves its scripts from our origin, for good', async () => {
    const { body: page } = await app.inject({ url: '/check', headers: { host: 'sgn.example' } });
    const path = /<script type="module" src="([^"]+)">/.exec(page)?.[1] ?? '';
    const seen = new Set<string>();
    const load = async (url: string): Promise<void> => {
      if (seen.has(url)) return;
      seen.add(url);
      const { statusCode, headers, body } = await app.inject({ url });
      expect([statusCode, headers['content-type'], headers['cache-control']]).toEqual([
        200,
        'text/javascript; charset=utf-8',
        'public, max-age=31536000, immutable',
      ]);
      const imported = Array.from(body.matchAll(/(?:from|import\() ?'(\.[^']+)'/g), ([, file = '']) => file);
      for (const file of imported) await load(new URL(file, `https://sgn.example${url}`).pathname);
    };
    await load(path);
    expect(Array.from(seen, (url) => url.split('/').at(-1))).toEqual([
      'scan.js',
      'qr-reader.js',
      'decode.js',
      'index.js',
    ]);
    const zipped = await app.inject({ url: path, headers: { 'accept-encoding': 'br, gzip' } });
    expect(zipped.headers['content-encoding']).toBe('gzip');
  });

  it('names the brand of the code, in its colours, else its workspace, unless nobody has named that', async () => {
    const { key } = await api('/v1/workspaces', { name: 'Nordwind Bank' });
    const { shortUrl } = await create({}, key);
    expect(await askAs(shortUrl)).toMatchObject({ issuedBy: 'Nordwind Bank' });
    const brand = BrandSchema.parse(await api('/v1/brands', { name: 'Nordwind', primaryColor: '#a4123f' }, key));
    const branded = await create({ brandId: brand.id }, key);
    await until(async () => (await askAs(branded.shortUrl)).issuedBy === 'Nordwind');
    expect((await check(branded.shortUrl)).body).toMatch(/<header>[^]*Nordwind[^]*Issued by Nordwind/);
    expect(await askAs(links.active)).toMatchObject({ issuedBy: null });
  });

  it('knows the codes of every short domain, whichever host it is asked on', async () => {
    const { host } = DomainSchema.parse(await api('/v1/domains', { host: 'go.example', caseSensitive: false }));
    await until(() => typeof app.get(SiteDirectory).placeOf(host) === 'object');
    await create({ slug: 'menu', domain: host });
    expect(await askAs('https://go.example/MENU')).toMatchObject({ verdict: 'active' });
    expect(await askAs('https://go.example/MENU', { host: 'go.example' })).toMatchObject({ verdict: 'active' });
    expect(await askAs('https://sgn.example/menu')).toMatchObject({ verdict: 'unknown' });
    const elsewhere = await check(links.active, { headers: { host: 'evil.example' } });
    expect(elsewhere.statusCode).toBe(421);
  });

  it('shows of a link that leads elsewhere only its host, as it is spelled', async () => {
    const { body } = await check('https://ѕgn.example/nobody-has-this?secret=1');
    expect(body).toContain('It leads to xn--gn-doc.example.');
    expect(body).not.toContain('secret=1');
  });

  it.each(['', 'menu', 'javascript:alert(1)', `https://sgn.example/${'x'.repeat(3000)}`, 'otpauth://totp/a?secret=b'])(
    'asks again for what is no link: %.40j',
    async (text) => {
      const { statusCode, body } = await check(text);
      expect(statusCode).toBe(422);
      expect(body).toContain('aria-invalid="true" aria-describedby="wrong"');
      expect(body).not.toContain('secret=b');
      const asJson = await check(text, { headers: { accept: 'application/json' } });
      expect(asJson.json()).toMatchObject({ type: 'urn:signet:problem:invalid-request', errors: [{ path: 'link' }] });
    },
  );

  it('uses up nothing, and records no scan', async () => {
    const { id, shortUrl } = await create({ maxScans: 1, claimMode: 'direct' });
    for (let time = 0; time < 3; time += 1) expect(await askAs(shortUrl)).toMatchObject({ verdict: 'active' });
    const read = await app.inject({ url: `/v1/codes/${id}`, headers: { authorization: `Bearer ${admin}` } });
    expect(CodeSchema.parse(read.json()).scansUsed).toBe(0);
  });

  it('says nothing of a code with a password but what a scan says', async () => {
    const { shortUrl } = await create({ password: 'two-croissants-please' });
    expect(await askAs(shortUrl)).toEqual({ verdict: 'active', issuedHere: true, issuedBy: null });
  });

  it('knows an enrollment by its whole secret slug only', async () => {
    const secret = '7Fq2mWcZ9KxVbT4nRsYpLd';
    const limit = { maxScans: 1, claimMode: 'interstitial' as const };
    await platform.codeState.write(codeKey(secret), {
      id: newId(),
      workspaceId: newId(),
      version: 1,
      kind: 'enrollment',
      state: 'active',
      target: { url: TARGET },
      limit,
    });
    expect(await askAs(`https://sgn.example/${secret}`)).toMatchObject({ verdict: 'active' });
    expect(await askAs(`https://sgn.example/${secret.slice(0, -1)}`)).toMatchObject({ verdict: 'unknown' });
  });

  it('counts guesses as scans do, and then says when to come back', async () => {
    const ip = '198.51.100.9';
    for (let guess = 0; guess < 10; guess += 1) await check(`https://sgn.example/guess-${guess}`, { ip });
    const refused = await check('https://sgn.example/one-more', { ip });
    expect([refused.statusCode, Number(refused.headers['retry-after'])]).toEqual([429, expect.any(Number)]);
    const scan = await app.inject({ url: '/yet-another', remoteAddress: ip, headers: { host: 'sgn.example' } });
    expect(scan.statusCode).toBe(429);
  });

  it('answers an address thirty times a minute', async () => {
    const ip = '198.51.100.10';
    for (let time = 0; time < 30; time += 1) expect((await check(links.foreign, { ip })).statusCode).toBe(200);
    expect((await check(links.foreign, { ip })).statusCode).toBe(429);
    expect((await app.inject({ url: '/check', remoteAddress: ip, headers: { host: 'sgn.example' } })).statusCode).toBe(
      200,
    );
  });
});
