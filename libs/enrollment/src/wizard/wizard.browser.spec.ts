import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { AccessService } from '@signet/access';
import { RedirectModule } from '@signet/redirect';
import { scansMigrations } from '@signet/scans';
import {
  createTestApp,
  decodeQrPng,
  describeInBrowser,
  openBrowser,
  openTestPlatform,
  totp,
  type TestPlatform,
} from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { AxeResults } from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { MIGRATIONS, MODULES } from '../enrollment-app.fixture.js';
import { secretIn } from '../enrollment.fixture.js';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
/** On a machine that does something else, too. */
const TIMEOUT_MS = 120_000;
const PHONE: BrowserContextOptions = { viewport: { width: 320, height: 640 }, locale: 'de-DE' };

describeInBrowser('the wizard in a browser', () => {
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let browser: Browser;
  let admin: string;
  let origin: string;

  beforeAll(async () => {
    platform = await openTestPlatform([...MIGRATIONS, ...scansMigrations]);
    app = await createTestApp(platform, [...MODULES, RedirectModule]);
    admin = (await app.get(AccessService).bootstrap()) ?? '';
    await app.listen(0, '127.0.0.1');
    origin = new URL(await app.getUrl()).origin;
    browser = await openBrowser();
  }, TIMEOUT_MS);
  afterAll(async () => {
    await browser.close();
    await app.close();
    await platform.close();
  });

  const call = (method: 'POST' | 'PUT' | 'GET', url: string, payload?: object) =>
    app.inject({ method, url, payload, headers: { authorization: `Bearer ${admin}` } });
  const issue = async (subject: string): Promise<string> => {
    await call('PUT', `/v1/subjects/${subject}`, { email: `${subject}@example.com` });
    const { claimUrl } = (await call('POST', '/v1/enrollments', { subject, delivery: 'link' })).json();
    return `${origin}${new URL(claimUrl).pathname}`;
  };
  /** What is wrong with a page: for whoever cannot see it, and for whoever has a small phone. */
  const faultsOf = async (page: Page): Promise<unknown[]> => {
    await page.evaluate(axe);
    const { violations } = await page.evaluate<AxeResults>(
      `axe.run({ runOnly: ${JSON.stringify(TAGS)}, resultTypes: ["violations"], preload: false })`,
    );
    const overflow = await page.evaluate<number>('Math.max(0, document.documentElement.scrollWidth - innerWidth)');
    return [...violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join()}`), overflow];
  };
  const secretOn = async (page: Page): Promise<string> =>
    secretIn((await page.locator('a[href^="otpauth:"]').getAttribute('href')) ?? '');

  it.each([
    ['with its script, on the smallest phone, in German', PHONE],
    ['without script, in the dark', { javaScriptEnabled: false, colorScheme: 'dark' } satisfies BrowserContextOptions],
  ])(
    'leads from the scan to the last page %s',
    async (_how, options) => {
      const subject = options.javaScriptEnabled === false ? 'bert' : 'anna';
      const hasScript = options.javaScriptEnabled !== false;
      const context = await browser.newContext(options);
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on('console', (message) => complaints.push(message.text()));
      page.on('requestfailed', (request) => complaints.push(request.url()));
      const faults = async () => (hasScript ? await faultsOf(page) : [0]);
      const press = (step: string) => page.locator(`form:has(input[value="${step}"]) button[type=submit]`).click();

      await page.goto(await issue(subject));
      expect(await faults()).toEqual([0]);
      await press('claim');
      const secret = await secretOn(page);
      expect(await faults()).toEqual([0]);
      const screenshot = await page.locator('.qr').screenshot();
      expect(secretIn(await decodeQrPng(screenshot))).toBe(secret);
      expect(await page.locator('button[data-copy]').isVisible()).toBe(hasScript);

      await page.reload();
      expect(await page.locator('a[href^="otpauth:"]').count()).toBe(0);
      expect(await faults()).toEqual([0]);
      await press('renew');
      const renewed = await secretOn(page);
      expect(renewed).not.toBe(secret);
      await page.fill('#code', totp(renewed, platform.clock.now()));
      await press('code');
      expect(await page.locator('#codes li').count()).toBe(10);
      expect(await page.locator('button[data-print]').isVisible()).toBe(hasScript);
      expect(await faults()).toEqual([0]);
      await page.check('#saved');
      await press('finish');
      expect(await page.locator('form').count()).toBe(0);
      expect(await faults()).toEqual([0]);
      expect(complaints).toEqual([]);
      const { items } = (await call('GET', `/v1/subjects/${subject}/factors`)).json();
      expect(items.map(({ status }: { status: string }) => status)).toEqual(['active', 'active']);

      const stranger = await (await browser.newContext(PHONE)).newPage();
      const answer = await stranger.goto(page.url());
      expect([answer?.status(), await faultsOf(stranger)]).toEqual([410, [0]]);
      await context.close();
    },
    TIMEOUT_MS,
  );

  it(
    'copies the key for whoever cannot scan',
    async () => {
      const context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'] });
      const page = await context.newPage();
      await page.goto(await issue('carl'));
      await page.click('button[type=submit]');
      const secret = await secretOn(page);
      await page.click('button[data-copy]');
      await page.waitForFunction("document.querySelector('button[data-copy]').textContent === 'Copied'");
      const copied = await page.evaluate<string>('navigator.clipboard.readText()');
      expect(copied.replaceAll(' ', '')).toBe(secret);
      await context.close();
    },
    TIMEOUT_MS,
  );
});
