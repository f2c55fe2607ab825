import { accessMigrations, AccessModule, AccessService } from '@signet/access';
import { auditMigrations, AuditModule } from '@signet/audit';
import { CodesModule, codesMigrations } from '@signet/codes';
import { BrandSchema, CodeSchema, FileSchema, type Code } from '@signet/contracts';
import { BrandDirectory, DomainsModule } from '@signet/domains';
import { FilesModule } from '@signet/files';
import { scansMigrations } from '@signet/scans';
import { createTestApp, openTestPlatform } from '@signet/testing';
import type { Page } from 'playwright-core';
import { z } from 'zod';
import { RedirectModule } from './redirect.module.js';

const TARGET = { url: 'https://target.example/secret' };
const HOUR = 3_600_000;

export interface ShownPages {
  origin: string;
  /** Every kind of page by its name, with the way to it. */
  pages: readonly (readonly [name: string, open: (page: Page) => Promise<unknown>])[];
  /** A link, and a picture of its QR code. */
  issue: () => Promise<{ shortUrl: string; png: Buffer }>;
  close: () => Promise<void>;
}

/** An installation with a code for each page that a person may see, on a port of its own. */
export async function openShownPages(): Promise<ShownPages> {
  const platform = await openTestPlatform(
    [...auditMigrations, ...accessMigrations, ...codesMigrations, ...scansMigrations],
    {
      SIGNET_PUBLIC_URL: 'https://sgn.example',
      SIGNET_TRUSTED_PROXIES: '127.0.0.1/32',
      SIGNET_UNKNOWN_SLUGS_PER_MINUTE: '3',
    },
  );
  const app = await createTestApp(platform, [
    AuditModule,
    AccessModule,
    CodesModule,
    DomainsModule,
    FilesModule,
    RedirectModule,
  ]);
  const admin = (await app.get(AccessService).bootstrap()) ?? '';
  await app.listen(0, '127.0.0.1');
  const origin = new URL(await app.getUrl()).origin;

  const api = async (method: 'POST' | 'PUT', url: string, payload: object) =>
    (await app.inject({ method, url, payload, headers: { authorization: `Bearer ${admin}` } })).json();
  const create = async (body: object): Promise<Code & { shortUrl: string; url: string }> => {
    const code = CodeSchema.parse(await api('POST', '/v1/codes', body));
    return { ...code, shortUrl: code.shortUrl ?? '', url: `${origin}/${code.slug}` };
  };

  const brand = BrandSchema.parse(
    await api('POST', '/v1/brands', {
      name: 'Nordwind Bank',
      primaryColor: '#a4123f',
      website: 'https://www.nordwind.example/',
      supportEmail: 'help@nordwind.example',
      isDefault: true,
    }),
  );
  const whoami = await app.inject({ url: '/v1/whoami', headers: { authorization: `Bearer ${admin}` } });
  const { workspaceId } = z.object({ workspaceId: z.string() }).parse(whoami.json());
  while (!app.get(BrandDirectory).brandOf({ brandId: brand.id, workspaceId }))
    await new Promise((resolve) => setTimeout(resolve, 10));
  await api('PUT', '/v1/settings/targets', { allowedSchemes: ['myapp'] });

  const now = platform.clock.now().getTime();
  const expired = await create({ target: TARGET, expiresAt: new Date(now + HOUR).toISOString() });
  platform.clock.advance(2 * HOUR);
  const scheduled = await create({ target: TARGET, activeFrom: new Date(now + 48 * HOUR).toISOString() });
  const [revoked, paused, used, once, often, locked, plain] = [
    await create({ target: TARGET }),
    await create({ target: TARGET }),
    await create({ target: TARGET, maxScans: 1 }),
    await create({ target: TARGET, maxScans: 1 }),
    await create({ target: TARGET, maxScans: 3, claimMode: 'interstitial' }),
    await create({ target: TARGET, password: 'two-croissants-please' }),
    await create({ target: TARGET }),
  ];
  await api('POST', `/v1/codes/${revoked.id}/revoke`, { reason: 'test' });
  await api('POST', `/v1/codes/${paused.id}/pause`, {});
  await app.inject({ method: 'POST', url: `/${used.slug}/claim` });
  const show = (target: object, more: object = {}) => create({ kind: 'page', target, ...more });
  const links = await show({
    type: 'links',
    title: 'Lumière',
    description: 'Breakfast, cakes and coffee on Museum Island.\nOpen every day from 8 to 18.',
    links: [
      { label: 'Menu', url: 'https://lumiere.example/menu' },
      { label: 'Reserve a table', url: 'https://lumiere.example/tables' },
      { label: 'Call us', url: 'tel:+4930901820' },
      {
        label: 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft',
        url: 'https://a.example/',
      },
    ],
  });
  const contact = await show({
    type: 'vcard',
    firstName: 'Ada',
    lastName: 'Lovelace',
    organisation: 'Nordwind Bank',
    title: 'Head of analysis',
    phones: [{ number: '+49 30 901820', type: 'work' }],
    emails: ['ada.lovelace@nordwind.example'],
    urls: ['https://www.nordwind.example/people/ada'],
    address: { street: 'Am Lustgarten 1', postalCode: '10178', city: 'Berlin', country: 'Germany' },
    note: 'Speaks English and French.',
  });
  const wifi = await show({ type: 'wifi', ssid: 'Lumière Guests', security: 'WPA', password: 'two-croissants-please' });
  const event = await show({
    type: 'event',
    title: 'A long evening at the museum',
    start: '2027-03-01T18:00:00.000Z',
    end: '2027-03-01T21:00:00.000Z',
    timeZone: 'Europe/Berlin',
    location: 'Museum Island, Berlin',
    website: 'https://museum.example/evening',
    description: 'Music in every hall.\nDoors open at half past six.',
  });
  const uploaded = await app.inject({
    method: 'POST',
    url: `/v1/files?name=${encodeURIComponent('Winterkarte Lumière.pdf')}`,
    payload: Buffer.from(`%PDF-1.7\n${'0'.repeat(200_000)}`),
    headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/octet-stream' },
  });
  const file = await create({ kind: 'file', target: { fileId: FileSchema.parse(uploaded.json()).id } });
  const appCode = await create({
    kind: 'app',
    target: {
      ios: 'https://apps.apple.com/app/id1',
      android: 'https://play.google.com/store/apps/details?id=a',
      fallback: 'https://nordwind.example/app',
      deepLink: 'myapp://open/1',
    },
  });

  const go = (url: string) => (page: Page) => page.goto(url);
  // Guesses of its own address, which is nobody else's in any run.
  let guessers = 0;
  const check = (link: string) => async (page: Page) => {
    await page.goto(`${origin}/check`);
    await page.fill('#link', link);
    await Promise.all([page.waitForEvent('framenavigated'), page.press('#link', 'Enter')]);
    await page.waitForLoadState();
  };
  const pages: ShownPages['pages'] = [
    ['links', go(links.url)],
    ['contact', go(contact.url)],
    ['wifi', go(wifi.url)],
    ['event', go(event.url)],
    ['file', go(file.url)],
    ['app', go(appCode.url)],
    ['claim once', go(once.url)],
    ['claim of several', go(often.url)],
    ['password', go(locked.url)],
    [
      'password, wrong',
      async (page) => {
        await page.goto(locked.url);
        await page.fill('#password', 'wrong');
        await page.click('button');
        await page.waitForSelector('#wrong');
      },
    ],
    [
      'form out of date',
      async (page) => {
        await page.goto(once.url);
        await page.evaluate(`document.querySelector('[name=nonce]').value = 'short'`);
        await page.click('button');
        await page.waitForSelector('.reference');
      },
    ],
    ['unknown', go(`${origin}/nobody-has-this`)],
    ['revoked', go(revoked.url)],
    ['expired', go(expired.url)],
    ['used', go(used.url)],
    ['paused', go(paused.url)],
    ['not yet', go(scheduled.url)],
    [
      'too many attempts',
      async (page) => {
        await page.setExtraHTTPHeaders({ 'x-forwarded-for': `198.51.100.${(guessers += 1)}` });
        for (let guess = 0; guess < 4; guess += 1) await page.goto(`${origin}/guess-${guess}`);
      },
    ],
    ['check', go(`${origin}/check`)],
    ['check, no link', check('nonsense')],
    ['check, active', check(plain.shortUrl)],
    ['check, not yet', check(scheduled.shortUrl)],
    ['check, used', check(used.shortUrl)],
    ['check, revoked', check(revoked.shortUrl)],
    ['check, unknown', check('https://sgn.example/nobody-has-this')],
    ['check, foreign', check('https://evil.example/login')],
  ];
  const issue = async (): Promise<{ shortUrl: string; png: Buffer }> => {
    const { id, shortUrl } = await create({ target: TARGET });
    const url = `/v1/codes/${id}/qr?format=png&size=400`;
    const { rawPayload } = await app.inject({ url, headers: { authorization: `Bearer ${admin}` } });
    return { shortUrl, png: rawPayload };
  };
  const close = async (): Promise<void> => {
    await app.close();
    await platform.close();
  };
  return { origin, pages, issue, close };
}
