import { accessMigrations, AccessModule, AccessService } from '@signet/access';
import { auditMigrations } from '@signet/audit';
import { CodesModule, codesMigrations } from '@signet/codes';
import { BrandSchema, CodeSchema, type Code } from '@signet/contracts';
import { BrandDirectory, DomainsModule } from '@signet/domains';
import { languages, type Language, type PageProblem, type PageText, type Texts } from '@signet/pages';
import { scansMigrations } from '@signet/scans';
import { createTestApp, openTestPlatform, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { z } from 'zod';
import { RedirectModule } from './redirect.module.js';

const TARGET = 'https://target.example/secret';
const HOUR = 3_600_000;

type Answer = Awaited<ReturnType<NestFastifyApplication['inject']>>;

describe('the pages of the redirect', () => {
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let admin: string;
  /** What is asked, with the status and the text that must come. */
  const pages: { url: string; form?: string; status: number; isBranded: boolean; text: (texts: Texts) => PageText }[] =
    [];

  const post = async (url: string, payload: object): Promise<unknown> =>
    (await app.inject({ method: 'POST', url, payload, headers: { authorization: `Bearer ${admin}` } })).json();
  const api = async (url: string, payload: object): Promise<Code> => CodeSchema.parse(await post(url, payload));
  const whoami = async (): Promise<unknown> =>
    (await app.inject({ url: '/v1/whoami', headers: { authorization: `Bearer ${admin}` } })).json();
  const create = async (body: object = {}): Promise<{ id: string; url: string }> => {
    const { id, slug } = await api('/v1/codes', { target: { url: TARGET }, ...body });
    return { id, url: `/${slug}` };
  };
  let address = 0;
  const ask = (url: string, acceptLanguage: string, form?: string): Promise<Answer> =>
    app.inject({
      method: form === undefined ? 'GET' : 'POST',
      url,
      remoteAddress: `203.0.113.${++address}`,
      payload: form,
      headers: {
        'accept-language': acceptLanguage,
        ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      },
    });

  beforeAll(async () => {
    platform = await openTestPlatform([
      ...auditMigrations,
      ...accessMigrations,
      ...codesMigrations,
      ...scansMigrations,
    ]);
    app = await createTestApp(platform, [AccessModule, CodesModule, DomainsModule, RedirectModule]);
    admin = (await app.get(AccessService).bootstrap()) ?? '';
    const brand = { name: 'Nordwind Bank', primaryColor: '#a4123f', supportEmail: 'help@nordwind.example' };
    const { id: brandId } = BrandSchema.parse(await post('/v1/brands', brand));
    const { workspaceId } = z.object({ workspaceId: z.uuid() }).parse(await whoami());
    while (!app.get(BrandDirectory).brandOf({ brandId, workspaceId }))
      await new Promise((resolve) => setTimeout(resolve, 10));
    const issue = (body: object = {}) => create({ brandId, ...body });
    const now = platform.clock.now().getTime();
    const expiring = await issue({ expiresAt: new Date(now + HOUR).toISOString() });
    platform.clock.advance(2 * HOUR);
    const later = await issue({ activeFrom: new Date(now + 24 * HOUR).toISOString() });
    const revoked = await issue();
    await api(`/v1/codes/${revoked.id}/revoke`, { reason: 'test' });
    const paused = await issue();
    await api(`/v1/codes/${paused.id}/pause`, {});
    const archived = await issue();
    const bearer = { authorization: `Bearer ${admin}` };
    await app.inject({ method: 'DELETE', url: `/v1/codes/${archived.id}`, headers: bearer });
    const used = await issue({ maxScans: 1 });
    await ask(`${used.url}/claim`, 'en', '');
    const once = await issue({ maxScans: 1 });
    const often = await issue({ maxScans: 3, claimMode: 'interstitial' });
    const problem = (name: PageProblem) => (texts: Texts) => texts.problems[name];
    pages.push(
      { url: once.url, status: 200, isBranded: true, text: (texts) => texts.claimOnce },
      { url: often.url, status: 200, isBranded: true, text: (texts) => texts.claimLimited },
      { url: revoked.url, status: 410, isBranded: true, text: problem('code-revoked') },
      { url: expiring.url, status: 410, isBranded: true, text: problem('code-expired') },
      { url: used.url, status: 410, isBranded: true, text: problem('code-exhausted') },
      { url: paused.url, status: 410, isBranded: true, text: problem('code-paused') },
      { url: archived.url, status: 410, isBranded: true, text: problem('code-paused') },
      { url: later.url, status: 425, isBranded: true, text: problem('code-not-active-yet') },
      // Nobody is known to have issued what there is not.
      { url: '/nobody-has-this', status: 404, isBranded: false, text: problem('code-unknown') },
      {
        url: `${once.url}/claim`,
        form: 'nonce=short',
        status: 422,
        isBranded: false,
        text: problem('invalid-request'),
      },
    );
  });
  afterAll(async () => {
    await app.close();
    await platform.close();
  });

  it.each(Object.keys(languages) as Language[])('speak %s, carry their brand, and leak no target', async (language) => {
    for (const { url, form, status, isBranded, text } of pages) {
      const answer = await ask(url, `${language}-XX, zh;q=0.5`, form);
      const { title, happened, todo } = text(languages[language]);
      expect(answer.statusCode).toBe(status);
      expect(answer.headers).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'content-language': language,
        vary: 'Accept, Accept-Language',
        'content-security-policy': expect.stringMatching(/^default-src 'none'; style-src 'sha256-/),
        'cache-control': 'no-store',
      });
      expect(answer.body).toContain(`<html lang="${language}">`);
      for (const sentence of [title, happened, todo]) expect(answer.body).toContain(sentence.replaceAll("'", '&#39;'));
      const { issuedBy } = languages[language].frame;
      expect([url, answer.body.includes(issuedBy('Nordwind Bank'))]).toEqual([url, isBranded]);
      expect(answer.body.includes('mailto:help@nordwind.example')).toBe(isBranded);
      expect(answer.body).not.toContain('target.example');
      expect(answer.rawPayload.byteLength).toBeLessThan(30_000);
    }
  });

  it('say when a code begins in the language of the page', async () => {
    const later = pages.find(({ status }) => status === 425);
    expect((await ask(later?.url ?? '', 'de')).body).toMatch(/Er gilt ab dem \d+\. \S+ \d{4} um \d\d:\d\d \(UTC\)\./);
  });

  it('say in the language of the page how long a guesser has to wait', async () => {
    const guess = (slug: string) =>
      app.inject({ url: `/${slug}`, remoteAddress: '198.51.100.7', headers: { 'accept-language': 'fr-CH' } });
    for (let count = 0; count < 60; count++) await guess(`guess-${count}`);
    const answer = await guess('one-more');
    expect(answer.statusCode).toBe(429);
    expect(answer.body).toMatch(/Vous pourrez réessayer dans \d+ secondes?\./);
  });

  it('do not answer a program that asks for JSON', async () => {
    const answer = await app.inject({
      url: '/nobody-has-this',
      headers: { accept: 'application/json', 'accept-language': 'de' },
    });
    expect(answer.json()).toMatchObject({ type: 'urn:signet:problem:code-unknown', status: 404 });
  });
});
