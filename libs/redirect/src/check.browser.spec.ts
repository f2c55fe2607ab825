import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { renderQr } from '@signet/qr';
import { describeInBrowser, openBrowser } from '@signet/testing';
import { openShownPages, type ShownPages } from './shown-pages.fixture.js';

// pngjs ships no types.
const { PNG }: { PNG: { sync: { read(png: Buffer): { width: number; height: number; data: Buffer } } } } =
  createRequire(import.meta.url)('pngjs');

describeInBrowser('/check in a browser', () => {
  const directory = mkdtempSync(join(tmpdir(), 'signet-camera-'));
  let shown: ShownPages;
  let browser: Browser;
  beforeAll(async () => {
    shown = await openShownPages();
    const camera = join(directory, 'camera.y4m');
    writeFileSync(camera, filmOf((await shown.issue()).png));
    browser = await openBrowser({ camera });
  });
  afterAll(async () => {
    await browser.close();
    await shown.close();
    rmSync(directory, { recursive: true });
  });

  /** The page, and every body that it has sent. */
  const open = async (options: BrowserContextOptions = {}): Promise<{ page: Page; sent: string[] }> => {
    const context = await browser.newContext({ locale: 'en-GB', ...options });
    const page = await context.newPage();
    const sent: string[] = [];
    page.on('request', (request) => {
      const body = request.postData();
      if (body !== null) sent.push(body);
    });
    await page.goto(`${shown.origin}/check`);
    return { page, sent };
  };
  const choose = (page: Page, png: Buffer) =>
    page.setInputFiles('#picture', { name: 'code.png', mimeType: 'image/png', buffer: png });
  const said = (page: Page, words: string) => page.waitForSelector(`#said:has-text("${words}")`);

  it('reads a code with the camera, and sends the link in it alone', async () => {
    const { page, sent } = await open({ permissions: ['camera'] });
    await page.click('#scan');
    await page.waitForSelector('h1:has-text("Genuine, and active")');
    expect(sent).toEqual([expect.stringMatching(/^link=https%3A%2F%2Fsgn\.example%2F[A-Za-z0-9]{8}$/)]);
  });

  it('turns the camera off when asked to, and when the page is left', async () => {
    const { page, sent } = await open({ permissions: ['camera'] });
    // So that nothing is found: what is behind this glass cannot be read.
    await page.evaluate(`globalThis.BarcodeDetector = class {
      static getSupportedFormats() { return Promise.resolve(['qr_code']); }
      detect() { return Promise.resolve([]); }
    }`);
    const live = () => page.evaluate(`document.getElementById('video').srcObject?.active ?? false`);
    await page.click('#scan');
    await page.waitForSelector('#video:not([hidden])');
    expect(await live()).toBe(true);
    await page.click('#scan:has-text("Stop the camera")');
    expect([await live(), await page.isVisible('#video')]).toEqual([false, false]);
    await page.click('#scan:has-text("Scan with the camera")');
    await page.waitForSelector('#video:not([hidden])');
    expect(await live()).toBe(true);
    await page.evaluate(`dispatchEvent(new PageTransitionEvent('pagehide'))`);
    expect([await live(), sent]).toEqual([false, []]);
  });

  it('says what to do when it may not use the camera', async () => {
    const { page } = await open();
    await page.evaluate(`navigator.mediaDevices.getUserMedia = () =>
      Promise.reject(new DOMException('', 'NotAllowedError'))`);
    await page.click('#scan');
    await said(page, 'The browser may not use the camera.');
    await page.evaluate(
      `navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotFoundError'))`,
    );
    await page.click('#scan');
    await said(page, 'The camera cannot be used.');
  });

  it('reads a code in a picture, also one that leads elsewhere', async () => {
    const { page } = await open();
    await choose(page, (await shown.issue()).png);
    await page.waitForSelector('h1:has-text("Genuine, and active")');
    await page.goto(`${shown.origin}/check`);
    await choose(page, pictureOf('https://evil.example/login?from=signet'));
    await page.waitForSelector('.issuer:has-text("It leads to evil.example.")');
  });

  it.each(['WIFI:S:Guests;T:WPA;P:two-croissants-please;;', 'otpauth://totp/Signet:ada?secret=JBSWY3DPEHPK3PXP'])(
    'keeps to itself what is no link: %s',
    async (text) => {
      const { page, sent } = await open();
      await choose(page, pictureOf(text));
      await said(page, 'Nothing was sent.');
      expect([sent, await page.inputValue('#link')]).toEqual([[], '']);
    },
  );

  it('says that a picture has no code', async () => {
    const { page } = await open();
    const emptyPng = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=';
    await choose(page, Buffer.from(emptyPng, 'base64'));
    await said(page, 'No code could be read in this picture.');
    await choose(page, Buffer.from('this is no picture'));
    await said(page, 'No code could be read in this picture.');
  });

  it('works by its form without JavaScript', async () => {
    const { page } = await open({ javaScriptEnabled: false });
    expect(await page.isVisible('#scan')).toBe(false);
    await page.fill('#link', (await shown.issue()).shortUrl);
    await page.press('#link', 'Enter');
    await page.waitForSelector('h1:has-text("Genuine, and active")');
  });
});

const pictureOf = (text: string): Buffer => {
  const options = { format: 'png', size: 600, margin: 4, ecc: 'M', dark: '#000000', light: '#ffffff' } as const;
  return Buffer.from(renderQr(text, options).body);
};

/** A second of video (YUV4MPEG2, grey) of a code that somebody holds before the camera. */
function filmOf(png: Buffer): Buffer {
  const { width, height, data } = PNG.sync.read(png);
  const [filmWidth, filmHeight] = [640, 480];
  const luma = Buffer.alloc(filmWidth * filmHeight, 90);
  const [left, top] = [(filmWidth - width) >> 1, (filmHeight - height) >> 1];
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) luma[(top + y) * filmWidth + left + x] = data[4 * (y * width + x)] ?? 0;
  const frame = [Buffer.from('FRAME\n'), luma, Buffer.alloc((filmWidth * filmHeight) / 2, 128)];
  const header = Buffer.from(`YUV4MPEG2 W${filmWidth} H${filmHeight} F10:1 Ip A1:1 C420jpeg\n`);
  return Buffer.concat([header, ...Array.from({ length: 10 }, () => frame).flat()]);
}
