import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { decodeQrPng, describeInBrowser, openBrowser } from '@signet/testing';
import { openShownPages, type ShownPages } from './shown-pages.fixture.js';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** WCAG 2.2 AA, and what axe recommends besides, such as landmarks and the order of headings. */
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1';
/** For all pages, on a machine that does something else, too. */
const TIMEOUT_MS = 300_000;
/** Where pictures of the pages are left for people to look at; absent: nowhere. */
const pictures = process.env['SIGNET_TEST_SCREENSHOTS'];

/** In the language with the longest words. */
const SMALLEST_PHONE: BrowserContextOptions = {
  colorScheme: 'light',
  viewport: { width: 320, height: 640 },
  locale: 'de-DE',
};
const DESKTOP: BrowserContextOptions = {
  colorScheme: 'dark',
  viewport: { width: 1280, height: 800 },
  locale: 'en-GB',
};
const looks = Object.entries({ 'light, on the smallest phone': SMALLEST_PHONE, 'dark, on a desktop': DESKTOP });

describeInBrowser('the pages in a browser', () => {
  let shown: ShownPages;
  let browser: Browser;
  beforeAll(async () => {
    shown = await openShownPages();
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await shown.close();
  });

  /** Every page, one after the other, with what went wrong: in the console, which tells of the policy, and on the network. */
  const visit = async (
    options: BrowserContextOptions,
    look: (page: Page, name: string, complaints: string[]) => Promise<void>,
  ): Promise<void> => {
    const context = await browser.newContext({ userAgent: IPHONE, ...options });
    for (const [index, [name, open]] of shown.pages.entries()) {
      const page = await context.newPage();
      const complaints = complaintsOf(page, shown.origin);
      // Somebody else each time, so that no limit is met unless a page is of one.
      await page.setExtraHTTPHeaders({ 'x-forwarded-for': `203.0.113.${index}` });
      await open(page);
      await look(page, name, complaints);
      await page.close();
    }
    await context.close();
  };

  describe.each(looks)('%s', (look, options) => {
    it(
      'pass every check of accessibility, fit, are small, and complain of nothing',
      async () => {
        await visit(options, async (page, name, complaints) => {
          if (pictures !== undefined) await keepPicture(page, join(pictures, look, `${name}.png`));
          await page.evaluate(axe);
          const results = await page.evaluate<AxeResults>(
            `axe.run({ runOnly: ${JSON.stringify(TAGS)}, resultTypes: ["violations"], preload: false })`,
          );
          const violations = results.violations.map(
            ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join()}`,
          );
          const overflow = await page.evaluate<number>(
            'Math.max(0, document.documentElement.scrollWidth - innerWidth)',
          );
          const isSmall = Buffer.byteLength(await page.content()) < 30_000;
          const seen = { name, violations, complaints, overflow, isSmall };
          expect(seen).toEqual({ name, violations: [], complaints: [], overflow: 0, isSmall: true });
        });
      },
      TIMEOUT_MS,
    );
  });

  it(
    'let the keyboard reach everything that can be pressed, in order, and show where it is',
    async () => {
      await visit(SMALLEST_PHONE, async (page, name) => {
        const all = await page.evaluate<string[]>(MARK_PRESSABLE);
        const reached: { index: string; isSeen: boolean }[] = [];
        for (let step = 0; step < all.length; step += 1) {
          await page.keyboard.press('Tab');
          reached.push(await page.evaluate(LOOK_AT_FOCUS));
        }
        expect({ name, reached }).toEqual({ name, reached: all.map((index) => ({ index, isSeen: true })) });
      });
    },
    TIMEOUT_MS,
  );

  it('show a network to the next phone, as its scanner reads it', async () => {
    const [, open] = shown.pages.find(([name]) => name === 'wifi') ?? [];
    const page = await browser.newPage({ ...DESKTOP, deviceScaleFactor: 2 });
    await open?.(page);
    const read = await decodeQrPng(await page.locator('.qr').screenshot());
    expect(read).toBe('WIFI:T:WPA;S:Lumière Guests;P:two-croissants-please;;');
    await page.close();
  });
});

/** Numbers what can be pressed, in the order of the page. */
const MARK_PRESSABLE = `
  [...document.querySelectorAll('a[href],button,input:not([type=hidden])')]
    .filter((element) => element.checkVisibility())
    .map((element, index) => (element.dataset.index = String(index)))
`;
/** Where the focus is, and whether it can be seen there. */
const LOOK_AT_FOCUS = `(() => {
  const element = document.activeElement;
  const shown = element.matches('.unseen') ? element.nextElementSibling : element;
  const { outlineStyle, outlineWidth } = getComputedStyle(shown);
  const { top, bottom } = shown.getBoundingClientRect();
  const isInView = top > -1 && bottom < innerHeight + 1;
  return { index: element.dataset.index, isSeen: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 && isInView };
})()`;

function complaintsOf(page: Page, origin: string): string[] {
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // A page with a status such as 410 is told of as a resource that failed.
    const isItsStatus = message.location().url === page.url() && message.text().startsWith('Failed to load resource');
    if (['error', 'warning'].includes(message.type()) && !isItsStatus) complaints.push(message.text());
  });
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== origin) complaints.push(`asks ${request.url()}`);
  });
  return complaints;
}

async function keepPicture(page: Page, path: string): Promise<void> {
  mkdirSync(join(path, '..'), { recursive: true });
  await page.screenshot({ path, fullPage: true });
}
