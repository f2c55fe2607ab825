import { accessMigrations, AccessModule, AccessService } from '@signet/access';
import { auditMigrations } from '@signet/audit';
import { CodesModule, codesMigrations } from '@signet/codes';
import { CodeSchema, type Code } from '@signet/contracts';
import { languages, type Language, type PageText, type Texts } from '@signet/pages';
import { scansMigrations } from '@signet/scans';
import { createTestApp, openTestPlatform, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { RedirectModule } from './redirect.module.js';

const TARGET = 'https://target.example/secret';
const HOUR = 3_600_000;

type Answer = Awaited<ReturnType<NestFastifyApplication['inject']>>;

describe('the pages of the redirect', () => {
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let admin: string;
  /** What is asked, with the status and the text that must come. */
  const pages: { url: string; form?: string; status: number; text: (texts: Texts) => PageText }[] = [];

  const api = async (url: string, payload: object): Promise<Code> => {
    const answer = await app.inject({ method: 'POST', url, payload, headers: { authorization: `Bearer ${admin}` } });
    return CodeSchema.parse(answer.json());
  };
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
    app = await createTestApp(platform, [AccessModule, CodesModule, RedirectModule]);
    admin = (await app.get(AccessService).bootstrap()) ?? '';
    const now = platform.clock.now().getTime();
    const expiring = await create({ expiresAt: new Date(now + HOUR).toISOString() });
    platform.clock.advance(2 * HOUR);
    const later = await create({ activeFrom: new Date(now + 24 * HOUR).toISOString() });
    const revoked = await create();
    await api(`/v1/codes/${revoked.id}/revoke`, { reason: 'test' });
    const used = await create({ maxScans: 1 });
    await ask(`${used.url}/claim`, 'en', '');
    const once = await create({ maxScans: 1 });
    const often = await create({ maxScans: 3, claimMode: 'interstitial' });
    pages.push(
      { url: once.url, status: 200, text: (texts) => texts.claimOnce },
      { url: often.url, status: 200, text: (texts) => texts.claimLimited },
      { url: '/nobody-has-this', status: 404, text: ({ problems }) => problems['code-unknown'] },
      { url: revoked.url, status: 410, text: ({ problems }) => problems['code-revoked'] },
      { url: expiring.url, status: 410, text: ({ problems }) => problems['code-expired'] },
      { url: used.url, status: 410, text: ({ problems }) => problems['code-exhausted'] },
      { url: later.url, status: 425, text: ({ problems }) => problems['code-not-active-yet'] },
      {
        url: `${once.url}/claim`,
        form: 'nonce=short',
        status: 422,
        text: ({ problems }) => problems['invalid-request'],
      },
    );
  });
  afterAll(async () => {
    await app.close();
    await platform.close();
  });

  it.each(Object.keys(languages) as Language[])('speak %s, and leak no target in it', async (language) => {
    for (const { url, form, status, text } of pages) {
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
