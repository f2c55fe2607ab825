import { accessMigrations, AccessModule, AccessService } from '@signet/access';
import { auditMigrations } from '@signet/audit';
import { CodesModule, codesMigrations } from '@signet/codes';
import { CodeSchema, ProblemSchema, ScanEventSchema, topics, type Code, type ScanEvent } from '@signet/contracts';
import { newId, type RecordBatch } from '@signet/platform';
import { scansMigrations } from '@signet/scans';
import { createTestApp, openTestPlatform, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { RedirectModule } from './redirect.module.js';

const TARGET = 'https://example.org/secret-target?a=1';
const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1';
const PREVIEW_BOTS = [
  'Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)',
  'facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)',
  'WhatsApp/2.23.20.0',
  'TelegramBot (like TwitterBot)',
  'Twitterbot/1.0',
  'Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com',
  'LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)',
  'Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)',
  'http.rb/5.2.0 (Mastodon/4.3.1; +https://mastodon.social/) Bot',
];

type Scan = Extract<ScanEvent, { type: 'scan.recorded' }>['data'];

describe('the redirect', () => {
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let admin: string;
  const scans: Scan[] = [];
  let onScans: () => void = () => {};

  beforeAll(async () => {
    platform = await openTestPlatform(
      [...auditMigrations, ...accessMigrations, ...codesMigrations, ...scansMigrations],
      {
        SIGNET_TRUSTED_PROXIES: '10.0.0.0/8',
        SIGNET_COUNTRY_HEADER: 'CF-IPCountry',
      },
    );
    const onBatch = ({ records }: RecordBatch): void => {
      const events = records.map(({ value }) => ScanEventSchema.parse(JSON.parse(value.toString())));
      for (const event of events) if (event.type === 'scan.recorded') scans.push(event.data);
      onScans();
    };
    await platform.eventLog.tail({ topics: [topics.scans.name], backlog: 0, onBatch });
    app = await createTestApp(platform, [AccessModule, CodesModule, RedirectModule]);
    admin = (await app.get(AccessService).bootstrap()) ?? '';
  });
  afterAll(async () => {
    await app.close();
    await platform.close();
  });

  let addresses = 0;
  /** Of its own for each request, so that no limit is met unless a test means to. */
  const newAddress = (): string => `198.${18 + (addresses >> 16)}.${(addresses >> 8) & 255}.${addresses++ & 255}`;

  interface Sent {
    headers?: Record<string, string>;
    payload?: string | object;
    remoteAddress?: string;
  }
  const send = (method: 'GET' | 'HEAD' | 'POST', url: string, sent: Sent = {}) =>
    app.inject({
      method,
      url,
      remoteAddress: newAddress(),
      ...sent,
      headers: { 'user-agent': IPHONE, ...sent.headers },
    });
  const scan = (slug: string, sent: Sent = {}) => send('GET', `/${slug}`, sent);
  const claim = (slug: string, nonce?: string, sent: Sent = {}) =>
    send('POST', `/${slug}/claim`, {
      payload: nonce === undefined ? '' : `nonce=${nonce}`,
      ...sent,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...sent.headers },
    });
  const nonceOf = ({ body }: { body: string }): string =>
    /name="nonce" value="([A-Za-z0-9_-]{22})"/.exec(body)?.[1] ?? '';

  const api = async (url: string, payload: object): Promise<Code> => {
    const answer = await app.inject({ method: 'POST', url, payload, headers: { authorization: `Bearer ${admin}` } });
    return CodeSchema.parse(answer.json());
  };
  const create = async (body: object = {}): Promise<{ id: string; slug: string }> => {
    const { id, slug } = await api('/v1/codes', { target: { url: TARGET }, ...body });
    return { id, slug: slug ?? '' };
  };
  const usedOf = async (id: string): Promise<number> => {
    const answer = await app.inject({ url: `/v1/codes/${id}`, headers: { authorization: `Bearer ${admin}` } });
    return CodeSchema.parse(answer.json()).scansUsed;
  };
  /** The scans of a code (undefined: of none) that came out of the event log, when there are so many of them. */
  const recorded = async (codeId: string | undefined, count: number): Promise<Scan[]> => {
    const found = (): Scan[] => scans.filter((data) => data.codeId === codeId);
    while (found().length < count) await new Promise<void>((resolve) => (onScans = resolve));
    return found();
  };
  const expectNoTrace = (answer: { headers: Record<string, unknown>; body: string }): void => {
    expect(answer.headers).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-robots-tag': 'noindex',
      'x-content-type-options': 'nosniff',
    });
    expect(answer.body).not.toContain('example.org');
  };
  const expectPage = (answer: Awaited<ReturnType<typeof send>>, status: number, words: string): void => {
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([status, 'text/html; charset=utf-8']);
    expect(answer.headers['content-security-policy']).toContain("default-src 'none'");
    expect(answer.headers['location']).toBeUndefined();
    expect(answer.body).toContain(words);
    expectNoTrace(answer);
  };

  describe('a plain link', () => {
    it('is answered with its target, and recorded with what is known of the visitor', async () => {
      const { id, slug } = await create();
      const answer = await scan(slug, {
        remoteAddress: '10.1.2.3',
        headers: {
          'x-forwarded-for': '203.0.113.77',
          'cf-ipcountry': 'DE',
          'accept-language': 'de-CH,de;q=0.9',
          referer: 'https://news.example/a?b',
        },
      });
      expect([answer.statusCode, answer.headers['location'], answer.body]).toEqual([302, TARGET, '']);
      expectNoTrace(answer);
      const [data] = await recorded(id, 1);
      expect(data).toEqual({
        workspaceId: expect.any(String),
        codeId: id,
        slug,
        codeVersion: 1,
        outcome: 'redirected',
        at: platform.clock.now().toISOString(),
        visitor: expect.stringMatching(/^[0-9a-f]{16}$/),
        ip: '203.0.113.0',
        country: 'DE',
        deviceType: 'phone',
        os: 'iOS',
        browser: 'Safari',
        language: 'de-CH',
        referrerHost: 'news.example',
        bot: false,
        preview: false,
      });
    });

    it('has no country from somebody who is no trusted proxy, nor an address of their choice', async () => {
      const { id, slug } = await create();
      await scan(slug, {
        remoteAddress: '192.0.2.9',
        headers: { 'x-forwarded-for': '203.0.113.77', 'cf-ipcountry': 'DE' },
      });
      const [data] = await recorded(id, 1);
      expect([data?.ip, data?.country]).toEqual(['192.0.2.0', undefined]);
    });

    it('goes elsewhere with the next scan after an edit, and nowhere after a revoke', async () => {
      const { id, slug } = await create();
      await scan(slug);
      const edited = await app.inject({
        method: 'PATCH',
        url: `/v1/codes/${id}`,
        headers: { authorization: `Bearer ${admin}` },
        payload: { target: { url: 'https://example.org/new' } },
      });
      expect(edited.statusCode).toBe(200);
      expect((await scan(slug)).headers['location']).toBe('https://example.org/new');
      await api(`/v1/codes/${id}/revoke`, { reason: 'test' });
      expectPage(await scan(slug), 410, 'has been revoked');
      const outcomes = (await recorded(id, 3)).map(({ outcome, codeVersion }) => [outcome, codeVersion]);
      expect(outcomes).toEqual([
        ['redirected', 1],
        ['redirected', 2],
        ['revoked', 3],
      ]);
    });

    it('is answered to HEAD and not recorded', async () => {
      const { id, slug } = await create();
      const answer = await send('HEAD', `/${slug}`);
      expect([answer.statusCode, answer.headers['location']]).toEqual([302, TARGET]);
      await scan(slug);
      expect(await recorded(id, 1)).toHaveLength(1);
    });

    it('is redirected after a claim, too, which it does not need', async () => {
      const { id, slug } = await create();
      const answer = await claim(slug);
      expect([answer.statusCode, answer.headers['location']]).toEqual([303, TARGET]);
      expect(await recorded(id, 1)).toMatchObject([{ outcome: 'redirected' }]);
    });

    it('says when it begins and when it is over', async () => {
      const hour = 3_600_000;
      const now = platform.clock.now().getTime();
      const { id, slug } = await create({
        activeFrom: new Date(now + hour).toISOString(),
        expiresAt: new Date(now + 2 * hour).toISOString(),
      });
      const early = await scan(slug);
      expectPage(early, 425, 'It becomes active on');
      expect(early.headers['retry-after']).toBe('3600');
      platform.clock.advance(hour);
      expect((await scan(slug)).statusCode).toBe(302);
      platform.clock.advance(hour);
      expectPage(await scan(slug), 410, 'has expired');
      expect((await recorded(id, 3)).map(({ outcome }) => outcome)).toEqual(['denied', 'redirected', 'expired']);
    });

    it('has a target with other than ASCII characters encoded', async () => {
      const { slug } = await create({ target: { url: 'https://example.org/größe?x=ä' } });
      expect((await scan(slug)).headers['location']).toBe('https://example.org/gr%C3%B6%C3%9Fe?x=%C3%A4');
    });
  });

  describe('an unknown slug', () => {
    it.each(['nobody-has-this', 'a', '%20', 'x'.repeat(500), '%2e%2e', '__proto__'])(
      'is a 404 that says so: %s',
      async (slug) => {
        const before = (await recorded(undefined, 0)).length;
        expectPage(await scan(slug), 404, 'not known here');
        const data = (await recorded(undefined, before + 1)).at(-1);
        expect(data).toMatchObject({ outcome: 'not_found', deviceType: 'phone' });
        expect(data).not.toHaveProperty('codeId');
        expect(data).not.toHaveProperty('slug');
      },
    );

    it('is refused with 429 to an address that guesses, and known codes are not', async () => {
      const { id, slug } = await create();
      const remoteAddress = newAddress();
      const before = (await recorded(undefined, 0)).length;
      for (let guess = 0; guess < 60; guess++)
        expect((await scan(`guess-${guess}`, { remoteAddress })).statusCode).toBe(404);
      const answer = await scan('one-more', { remoteAddress });
      expectPage(answer, 429, 'Too many attempts');
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(50);
      expect((await scan('one-more')).statusCode).toBe(404);
      expect((await scan(slug, { remoteAddress })).statusCode).toBe(302);
      expect(await recorded(id, 1)).toMatchObject([{ outcome: 'redirected' }]);
      expect(await recorded(undefined, before + 61)).toHaveLength(before + 61);
    });
  });

  describe('a single-use code', () => {
    it('shows an interstitial without its target, and is claimed by the form', async () => {
      const { id, slug } = await create({ maxScans: 1 });
      const page = await scan(slug);
      expectPage(page, 200, `<form method="post" action="/${slug}/claim">`);
      expect(await usedOf(id)).toBe(0);
      const claimed = await claim(slug, nonceOf(page));
      expect([claimed.statusCode, claimed.headers['location']]).toEqual([303, TARGET]);
      expect(await usedOf(id)).toBe(1);
      expect((await recorded(id, 2)).map(({ outcome }) => outcome)).toEqual(['interstitial', 'claimed']);
    });

    it('answers the same browser again, and nobody else; the claim counts once', async () => {
      const { id, slug } = await create({ maxScans: 1 });
      const [mine, theirs] = [await scan(slug), await scan(slug)];
      const answers = [
        await claim(slug, nonceOf(mine)),
        await claim(slug, nonceOf(mine)),
        await claim(slug, nonceOf(theirs)),
        await claim(slug),
      ];
      expect(answers.map(({ statusCode }) => statusCode)).toEqual([303, 303, 410, 410]);
      expect(answers[1]?.headers['location']).toBe(TARGET);
      expectPage(await scan(slug), 410, 'has been used');
      const outcomes = (await recorded(id, 7)).map(({ outcome }) => outcome);
      expect(outcomes).toEqual([
        'interstitial',
        'interstitial',
        'claimed',
        'claimed',
        'exhausted',
        'exhausted',
        'exhausted',
      ]);
    });

    it('gives the repetition of a claim the event id of the claim', async () => {
      const { id, slug } = await create({ maxScans: 1 });
      const nonce = nonceOf(await scan(slug));
      const ids = new Set<string>();
      let events = 0;
      let done = (): void => {};
      const both = new Promise<void>((resolve) => (done = resolve));
      const subscription = await platform.eventLog.tail({
        topics: [topics.scans.name],
        backlog: 0,
        onBatch({ records }) {
          for (const { value } of records) {
            const event = ScanEventSchema.parse(JSON.parse(value.toString()));
            if (event.type !== 'scan.recorded' || event.data.codeId !== id || event.data.outcome !== 'claimed')
              continue;
            ids.add(event.id);
            if ((events += 1) === 2) done();
          }
        },
      });
      await claim(slug, nonce);
      await claim(slug, nonce);
      await both;
      expect(ids.size).toBe(1);
      await subscription.stop();
    });

    it('lets exactly one of 100 concurrent claims through', async () => {
      const { id, slug } = await create({ maxScans: 1 });
      const answers = await Promise.all(Array.from({ length: 100 }, () => claim(slug)));
      const statuses = answers.map(({ statusCode }) => statusCode);
      expect(statuses.filter((status) => status === 303)).toHaveLength(1);
      expect(statuses.filter((status) => status === 410)).toHaveLength(99);
      expect(await usedOf(id)).toBe(1);
      expect((await recorded(id, 100)).filter(({ outcome }) => outcome === 'claimed')).toHaveLength(1);
    });

    it('is still used up after the code state has lost everything', async () => {
      const { slug } = await create({ maxScans: 1 });
      const page = await scan(slug);
      await claim(slug, nonceOf(page));
      await platform.codeState.close();
      expectPage(await claim(slug), 410, 'has been used');
      expectPage(await scan(slug), 410, 'has been used');
    });

    it.each(PREVIEW_BOTS)('is not used up by %s', async (userAgent) => {
      const { id, slug } = await create({ maxScans: 1 });
      expect((await scan(slug, { headers: { 'user-agent': userAgent } })).statusCode).toBe(200);
      expect(await usedOf(id)).toBe(0);
      expect(await recorded(id, 1)).toMatchObject([{ outcome: 'interstitial', bot: true, preview: true }]);
    });

    it('cannot be claimed after the call that revoked it has returned', async () => {
      const { id, slug } = await create({ maxScans: 1 });
      const page = await scan(slug);
      await api(`/v1/codes/${id}/revoke`, { reason: 'lost' });
      expectPage(await claim(slug, nonceOf(page)), 410, 'has been revoked');
    });

    it('takes a JSON body, an empty one and none', async () => {
      const json = { 'content-type': 'application/json' };
      for (const sent of [
        { headers: json, payload: { nonce: 'a'.repeat(22) } },
        { headers: json, payload: {} },
        { headers: json, payload: '' },
        {},
      ]) {
        const { slug } = await create({ maxScans: 1 });
        const answer = await send('POST', `/${slug}/claim`, sent);
        expect(answer.statusCode).toBe(303);
      }
    });

    it('is not claimed by a request that makes no sense', async () => {
      const { id, slug } = await create({ maxScans: 1 });
      const json = { 'content-type': 'application/json' };
      expectPage(await claim(slug, 'short'), 422, 'out of date');
      expectPage(await claim(slug, undefined, { payload: 'x=1' }), 422, 'out of date');
      expectPage(await claim(slug, 'a'.repeat(2000)), 413, 'went wrong');
      expectPage(await send('POST', `/${slug}/claim`, { headers: json, payload: '{' }), 400, 'went wrong');
      const text = { headers: { 'content-type': 'text/plain' }, payload: 'x' };
      expectPage(await send('POST', `/${slug}/claim`, text), 415, 'went wrong');
      expect(await usedOf(id)).toBe(0);
    });

    it('is claimed from one address 30 times a minute at most', async () => {
      const { slug } = await create({ maxScans: 100, claimMode: 'interstitial' });
      const remoteAddress = newAddress();
      const statuses: number[] = [];
      for (let n = 0; n < 31; n++) statuses.push((await claim(slug, undefined, { remoteAddress })).statusCode);
      expect(statuses).toEqual([...Array(30).fill(303), 429]);
      expect((await claim(slug)).statusCode).toBe(303);
    });
  });

  describe('a limited code in direct mode', () => {
    it('is used by each GET until none is left', async () => {
      const { id, slug } = await create({ maxScans: 2 });
      const answers = [await scan(slug), await scan(slug), await scan(slug)];
      expect(answers.map(({ statusCode, headers }) => [statusCode, headers['location']])).toEqual([
        [302, TARGET],
        [302, TARGET],
        [410, undefined],
      ]);
      expect(await usedOf(id)).toBe(2);
      expect((await recorded(id, 3)).map(({ outcome }) => outcome)).toEqual(['claimed', 'claimed', 'exhausted']);
    });

    it('lets exactly as many of 100 concurrent GETs through as it may', async () => {
      const { slug } = await create({ maxScans: 7 });
      const answers = await Promise.all(Array.from({ length: 100 }, () => scan(slug)));
      expect(answers.filter(({ statusCode }) => statusCode === 302)).toHaveLength(7);
    });

    const onlookers: Record<string, string>[] = [
      ...PREVIEW_BOTS.map((userAgent) => ({ 'user-agent': userAgent })),
      { 'sec-purpose': 'prefetch;prerender' },
      { purpose: 'prefetch' },
    ];
    it.each(onlookers)('is not used by a program that only looks: %j', async (headers) => {
      const { id, slug } = await create({ maxScans: 2 });
      expectPage(await scan(slug, { headers }), 200, '<form method="post"');
      expect(await usedOf(id)).toBe(0);
      expect(await recorded(id, 1)).toMatchObject([{ outcome: 'interstitial', preview: true }]);
    });

    it('is not used by HEAD', async () => {
      const { id, slug } = await create({ maxScans: 2 });
      const answer = await send('HEAD', `/${slug}`);
      expect([answer.statusCode, answer.headers['location']]).toEqual([200, undefined]);
      expect(await usedOf(id)).toBe(0);
    });
  });

  describe('a program that prefers JSON', () => {
    const headers = { accept: 'application/json' };

    it('gets problem+json in place of the pages', async () => {
      const { id, slug } = await create();
      await api(`/v1/codes/${id}/revoke`, { reason: 'test' });
      for (const [path, status, kind] of [
        [slug, 410, 'code-revoked'],
        ['unknown-slug', 404, 'code-unknown'],
      ] as const) {
        const answer = await scan(path, { headers });
        expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
        expect(ProblemSchema.parse(answer.json())).toMatchObject({ type: `urn:signet:problem:${kind}`, status });
        expectNoTrace(answer);
        expect(answer.body).not.toContain(path);
      }
    });

    it('learns how to claim', async () => {
      const { slug } = await create({ maxScans: 1 });
      const answer = await scan(slug, { headers });
      expect(answer.json()).toEqual({
        status: 'claim-required',
        claimUrl: `/${slug}/claim`,
        nonce: expect.stringMatching(/^[\w-]{22}$/),
      });
      const payload = { nonce: answer.json<{ nonce: string }>().nonce };
      const claimed = await send('POST', `/${slug}/claim`, { headers, payload });
      expect([claimed.statusCode, claimed.headers['location']]).toEqual([303, TARGET]);
    });
  });

  it('leaves the product itself at its own paths', async () => {
    expect((await send('GET', '/v1/codes')).statusCode).toBe(401);
    expect((await send('GET', `/v1/codes/${newId()}`)).statusCode).toBe(401);
    expect(
      (
        await send('POST', '/v1/codes', {
          payload: 'a=b',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
        })
      ).statusCode,
    ).toBe(415);
  });

  it('answers what browsers ask for by themselves without taking it for a guess', async () => {
    expect((await app.inject('/favicon.ico')).statusCode).toBe(204);
    expect((await app.inject('/robots.txt')).body).toContain('Disallow: /');
  });

  it('counts scans and claims by outcome', async () => {
    const metrics = await platform.metrics.metrics();
    expect(metrics).toMatch(/signet_scans_total\{outcome="redirected",service="test"\} \d+/);
    expect(metrics).toMatch(/signet_scans_total\{outcome="throttled",service="test"\} 1/);
    expect(metrics).toMatch(/signet_claims_total\{outcome="claimed",service="test"\} \d+/);
    expect(metrics).toMatch(/signet_claims_total\{outcome="repeated",service="test"\} \d+/);
  });
});
