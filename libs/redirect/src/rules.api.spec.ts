import { accessMigrations, AccessModule, AccessService } from '@signet/access';
import { auditMigrations } from '@signet/audit';
import { CodesModule, codesMigrations } from '@signet/codes';
import {
  CodeResolutionSchema,
  CodeSchema,
  ScanEventSchema,
  topics,
  type Code,
  type ResolveCode,
  type Rule,
} from '@signet/contracts';
import type { RecordBatch } from '@signet/platform';
import { scansMigrations } from '@signet/scans';
import { createTestApp, openTestPlatform, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import * as fc from 'fast-check';
import { RedirectModule } from './redirect.module.js';

const AGENTS = {
  ios: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
  android:
    'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36',
  windows:
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
} as const;
const HOUR = 3_600_000;
const OFF_URL = 'https://off.example/';

interface Visitor {
  os?: keyof typeof AGENTS;
  ip?: string;
  country?: string;
  languages?: string;
  accept?: string;
  purpose?: string;
}

describe('where a scan is led', () => {
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let admin: string;
  const indices = new Map<string, (number | undefined)[]>();
  let onScans: () => void = () => {};
  beforeAll(async () => {
    platform = await openTestPlatform(
      [...auditMigrations, ...accessMigrations, ...codesMigrations, ...scansMigrations],
      {
        SIGNET_PUBLIC_URL: 'https://sgn.example',
        SIGNET_TRUSTED_PROXIES: '10.0.0.0/8',
        SIGNET_COUNTRY_HEADER: 'CF-IPCountry',
      },
    );
    const onBatch = ({ records }: RecordBatch): void => {
      for (const { value } of records) {
        const event = ScanEventSchema.parse(JSON.parse(value.toString()));
        if (event.type !== 'scan.recorded') continue;
        const { codeId = '', targetIndex } = event.data;
        indices.set(codeId, [...(indices.get(codeId) ?? []), targetIndex]);
      }
      onScans();
    };
    await platform.eventLog.tail({ topics: [topics.scans.name], backlog: 0, onBatch });
    app = await createTestApp(platform, [AccessModule, CodesModule, RedirectModule]);
    admin = (await app.get(AccessService).bootstrap()) ?? '';
    await call('PUT', '/v1/settings/targets', { allowedSchemes: ['myapp'] });
  });
  afterAll(async () => {
    await app.close();
    await platform.close();
  });

  const call = (method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', url: string, payload?: object) =>
    app.inject({ method, url, payload, headers: { authorization: `Bearer ${admin}` } });
  const create = async (body: object = {}): Promise<Code> => {
    const answer = await call('POST', '/v1/codes', { target: to('own'), ...body });
    expect([answer.statusCode, answer.body]).toEqual([201, expect.any(String)]);
    return CodeSchema.parse(answer.json());
  };
  const to = (name: string): { url: string } => ({ url: `https://${name}.example/` });
  const send = (method: 'GET' | 'HEAD' | 'POST', url: string, visitor: Visitor = {}) =>
    app.inject({
      method,
      url,
      remoteAddress: '10.0.0.1',
      headers: {
        'x-forwarded-for': visitor.ip ?? '198.51.100.7',
        'user-agent': AGENTS[visitor.os ?? 'windows'],
        ...(visitor.country !== undefined && { 'cf-ipcountry': visitor.country }),
        ...(visitor.languages !== undefined && { 'accept-language': visitor.languages }),
        ...(visitor.accept !== undefined && { accept: visitor.accept }),
        ...(visitor.purpose !== undefined && { 'sec-purpose': visitor.purpose }),
      },
    });
  const led = async ({ slug }: Code, visitor: Visitor = {}, query = ''): Promise<unknown> => {
    const answer = await send('GET', `/${slug}${query}`, visitor);
    return answer.headers['location'] ?? answer.statusCode;
  };

  const rules: Rule[] = [
    { when: { device: 'phone', os: 'ios', country: ['DE', 'AT'] }, target: to('iphones') },
    { when: { os: ['android', 'ios'] }, target: to('phones') },
    { when: { language: 'de' }, target: to('german') },
    { when: { country: 'JP' }, target: to('japan') },
  ];

  it('is said by the first rule that matches, and which that was is recorded', async () => {
    const code = await create({ rules });
    const visits: [Visitor, string, number | undefined][] = [
      [{ os: 'ios', country: 'DE', languages: 'de' }, 'iphones', 0],
      [{ os: 'ios', country: 'FR', languages: 'de' }, 'phones', 1],
      [{ os: 'windows', languages: 'fr, de-CH;q=0.8', country: 'JP' }, 'german', 2],
      [{ os: 'windows', languages: 'ja', country: 'JP' }, 'japan', 3],
      [{ os: 'windows', languages: 'ja' }, 'own', undefined],
    ];
    for (const [visitor, name] of visits) expect(await led(code, visitor)).toBe(to(name).url);
    while ((indices.get(code.id)?.length ?? 0) < visits.length)
      await new Promise<void>((resolve) => (onScans = resolve));
    expect(indices.get(code.id)).toEqual(visits.map(([, , index]) => index));
  });

  it('is what the dry run says', async () => {
    const code = await create({ rules, forwardQuery: true, utm: { medium: 'print' } });
    const visits = fc.record(
      {
        os: fc.constantFrom('ios' as const, 'android' as const, 'windows' as const),
        country: fc.constantFrom('DE', 'AT', 'JP', 'BR'),
        languages: fc.constantFrom('de', 'de-AT', 'ja', 'en'),
      },
      { requiredKeys: ['os'] },
    );
    await fc.assert(
      fc.asyncProperty(visits, async (visitor) => {
        const { os, country, languages: language } = visitor;
        const device = os === 'windows' ? 'desktop' : 'phone';
        const asked: ResolveCode = { os, device, country, language, query: 'a=1' };
        const answer = await call('POST', `/v1/codes/${code.id}/resolve`, asked);
        expect(await led(code, visitor, '?a=1')).toBe(CodeResolutionSchema.parse(answer.json()).url);
      }),
      { numRuns: 50 },
    );
  });

  it('follows the clocks of a window’s zone, to its minute, without a change of the code', async () => {
    const now = platform.clock.now().getTime();
    const clockTime = (at: number): string => new Date(at).toISOString().slice(11, 16);
    const timeWindow = { from: clockTime(now - HOUR), to: clockTime(now + HOUR), timeZone: 'Etc/UTC' };
    const code = await create({ rules: [{ when: { timeWindow }, target: to('open') }] });
    expect(await led(code)).toBe(to('open').url);
    platform.clock.advance(HOUR - (now % 60_000) - 1);
    expect(await led(code)).toBe(to('open').url);
    platform.clock.advance(1);
    expect(await led(code)).toBe(to('own').url);
  });

  it('tells a first visit from the next, and takes no preview and no HEAD for a visit', async () => {
    const code = await create({
      rules: [
        { when: { visit: 'first' }, target: to('hello') },
        { when: { visit: 'returning' }, target: to('again') },
      ],
    });
    const anna = { ip: '198.51.100.1' };
    await send('HEAD', `/${code.slug}`, anna);
    expect(await led(code, { ...anna, purpose: 'prefetch' })).toBe(to('own').url);
    expect([await led(code, anna), await led(code, anna)]).toEqual([to('hello').url, to('again').url]);
    expect(await led(code, { ip: '198.51.100.2' })).toBe(to('hello').url);
    expect(await led(await create({ rules: code.rules }), anna)).toBe(to('hello').url);
  });

  it('is the same side of a sticky weight for a visitor, and either for all of them', async () => {
    const code = await create({ rules: [{ when: { weight: 50, sticky: true }, target: to('b') }] });
    const sides = new Set<unknown>();
    for (let visitor = 1; visitor <= 20; visitor += 1) {
      const ip = `198.51.100.${visitor}`;
      const side = await led(code, { ip });
      sides.add(side);
      for (let again = 0; again < 3; again += 1) expect(await led(code, { ip })).toBe(side);
    }
    expect(sides).toEqual(new Set([to('b').url, to('own').url]));
  });

  it('has the code’s utm parameters, and the scan’s query where the code forwards it', async () => {
    const target = { url: 'https://own.example/menu?table=4#top' };
    const tagged = await create({ target, utm: { source: 'poster', campaign: 'été 26' } });
    expect(await led(tagged, {}, '?utm_source=bus&x=1')).toBe(
      'https://own.example/menu?table=4&utm_source=poster&utm_campaign=%C3%A9t%C3%A9%2026#top',
    );
    const forwarding = await create({ target, utm: { source: 'poster' }, forwardQuery: true });
    expect(await led(forwarding, {}, '?utm_source=bus&x=1')).toBe(
      'https://own.example/menu?table=4&utm_source=bus&x=1#top',
    );
  });

  it('is the store of the phone for an app, and the fallback for everybody else', async () => {
    const target = {
      ios: 'https://apps.apple.com/app/id1',
      android: 'https://play.google.com/store/apps/details?id=com.example.shop',
      fallback: 'https://web.example/',
    };
    const code = await create({ kind: 'app', target });
    expect(await led(code, { os: 'ios' })).toBe(target.ios);
    expect(await led(code, { os: 'android' })).toBe(target.android);
    expect(await led(code, { os: 'windows' })).toBe(target.fallback);
  });

  it('is a page that offers the app on a phone, and the web for those who have none or are a program', async () => {
    const code = await create({ target: { ...to('own'), deepLink: 'myapp://menu/4' } });
    const page = await send('GET', `/${code.slug}`, { os: 'ios' });
    expect([page.statusCode, page.headers['location']]).toEqual([200, undefined]);
    expect(page.body).toContain('href="myapp://menu/4"');
    expect(page.body).toContain('href="https://own.example/"');
    expect(page.body).not.toContain('<script');
    expect(await led(code, { os: 'windows' })).toBe(to('own').url);
    expect(await led(code, { os: 'ios', accept: 'application/json' })).toBe(to('own').url);
  });

  it('is chosen at the claim of a limited code, and stays for who repeats it', async () => {
    const code = await create({ maxScans: 1, rules: [{ when: { os: 'ios' }, target: to('ios') }] });
    const page = await send('GET', `/${code.slug}`, { os: 'ios' });
    expect(page.body).not.toContain(to('ios').url);
    const nonce = /name="nonce" value="([^"]+)"/.exec(page.body)?.[1];
    const claim = (os: keyof typeof AGENTS) =>
      app.inject({
        method: 'POST',
        url: `/${code.slug}/claim`,
        payload: { nonce },
        headers: { 'user-agent': AGENTS[os] },
      });
    for (const os of ['ios', 'windows'] as const) {
      const { statusCode, headers } = await claim(os);
      expect([statusCode, headers['location']]).toEqual([303, to('ios').url]);
    }
  });

  describe('when the code is off', () => {
    const soon = (): string => new Date(platform.clock.now().getTime() + HOUR).toISOString();
    const end: [string, () => Promise<Code>][] = [
      ['paused', () => ended({}, (id) => call('POST', `/v1/codes/${id}/pause`))],
      ['archived', () => ended({}, (id) => call('DELETE', `/v1/codes/${id}`))],
      ['revoked', () => ended({}, (id) => call('POST', `/v1/codes/${id}/revoke`, { reason: 'test' }))],
      ['scheduled', () => ended({ activeFrom: soon() })],
      ['expired', () => ended({ expiresAt: soon() }, async () => platform.clock.advance(HOUR))],
      ['exhausted', () => ended({ maxScans: 1, claimMode: 'direct' }, (_id, slug) => send('GET', `/${slug}`))],
    ];
    const ended = async (
      body: object,
      act: (id: string, slug: string) => Promise<unknown> = async () => undefined,
    ): Promise<Code> => {
      const code = await create({ offUrl: OFF_URL, ...body });
      await act(code.id, code.slug ?? '');
      return code;
    };

    it.each(end)('is what its owner chose: %s', async (status, make) => {
      const code = await make();
      expect(await led(code)).toBe(OFF_URL);
      const asJson = await send('GET', `/${code.slug}`, { accept: 'application/json' });
      expect([asJson.statusCode, asJson.headers['location']]).toEqual([status === 'scheduled' ? 425 : 410, undefined]);
    });

    it('is the page that says so where its owner chose nothing', async () => {
      const code = await create();
      await call('POST', `/v1/codes/${code.id}/pause`);
      expect(await led(code)).toBe(410);
    });

    it('is never elsewhere for a protected code that was revoked, which its holder must learn', async () => {
      const code = await create({ offUrl: OFF_URL, maxScans: 3 });
      await call('POST', `/v1/codes/${code.id}/revoke`, { reason: 'stolen' });
      expect(await led(code)).toBe(410);
      await call('DELETE', `/v1/codes/${code.id}`);
      expect(await led(code)).toBe(410);
    });
  });
});
