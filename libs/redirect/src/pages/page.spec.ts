import { createHash } from 'node:crypto';
import { contrastRatio, MIN_CONTRAST } from '@signet/qr';
import { languages } from './languages.js';
import { claimPage, CONTENT_SECURITY_POLICY, problemPage } from './page.js';
import { english } from './texts.en.js';
import type { PageText, Texts } from './texts.js';

const evil = '"><script>alert(1)</script>&\'';
const everyLanguage = Object.entries(languages);

const everyText = (texts: Texts): PageText[] => [
  texts.claimOnce,
  texts.claimLimited,
  texts.otherProblem,
  ...Object.values(texts.problems),
];

/** @returns the custom properties of a style's rule that begins with `start` */
function colours(style: string, start: string): Record<string, string> {
  const rule = style.slice(style.indexOf(start) + start.length).split('}', 1)[0] ?? '';
  return Object.fromEntries(
    Array.from(rule.matchAll(/--([a-z-]+):(#[0-9a-f]{6})/g), ([, name, value]) => [name, value]),
  );
}

describe('pages', () => {
  const page = claimPage(english, { slug: 'menu', nonce: 'n', maxScans: 1 });
  const [, style = ''] = /<style>([^]*)<\/style>/.exec(page) ?? [];

  it('let nothing that they were given become markup', () => {
    const pages = [
      claimPage(english, { slug: evil, nonce: evil, maxScans: 2 }),
      problemPage(english, {
        text: { title: evil, happened: evil, todo: evil },
        notes: [evil],
        requestId: evil,
      }),
    ];
    for (const given of pages) expect(given).not.toMatch(/<script|alert\(1\)<|="">/);
  });

  it('have their one style allowed by its hash, and nothing else', () => {
    const hash = createHash('sha256').update(style).digest('base64');
    expect(CONTENT_SECURITY_POLICY).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; frame-ancestors 'none'`,
    );
    expect(page).not.toContain(' style=');
  });

  it.each([
    ['light', ':root{'],
    ['dark', '(prefers-color-scheme:dark){:root{'],
  ])('can be read in %s', (_scheme, start) => {
    const {
      text = '',
      soft = '',
      back = '',
      card = '',
      accent = '',
      'on-accent': onAccent = '',
    } = colours(style, start);
    for (const [front, behind] of [
      [text, card],
      [text, back],
      [soft, card],
      [onAccent, accent],
      [accent, card],
    ] as const) {
      expect(contrastRatio(front, behind)).toBeGreaterThanOrEqual(MIN_CONTRAST);
    }
  });

  it('have a button that fingers can hit and keyboards can see', () => {
    // WCAG 2.2 SC 2.5.8 asks for 24 px; 3 rem are 48.
    expect(style).toMatch(/button\{[^}]*width:100%;min-height:3rem/);
    expect(style).toMatch(/button:focus-visible\{outline:3px solid/);
    expect(style).not.toMatch(/outline:(0|none)/);
  });

  describe.each(everyLanguage)('in %s', (language, texts) => {
    it('are small, and say in which language they are', () => {
      for (const text of everyText(texts)) {
        const html = problemPage(texts, {
          text,
          notes: [texts.retryAfter(1), texts.activeFrom('now')],
          requestId: 'r',
        });
        expect(Buffer.byteLength(html)).toBeLessThan(30_000);
        expect(html).toContain(`<html lang="${language}">`);
        expect(html).toContain('<meta charset="utf-8">');
      }
    });

    it('say something else of every problem', () => {
      const titles = Object.values(texts.problems).map(({ title }) => title);
      expect(new Set(titles).size).toBe(titles.length);
      for (const { title, happened, todo } of everyText(texts)) {
        expect([title, happened, todo].every((text) => text.trim() === text && text.length > 4)).toBe(true);
        expect(`${happened} ${todo}`).toMatch(/[.。]$/);
      }
    });

    it('tell apart one use and several, and claim by a plain form', () => {
      const once = claimPage(texts, { slug: 'menu', nonce: 'n', maxScans: 1 });
      const often = claimPage(texts, { slug: 'menu', nonce: 'n', maxScans: 5 });
      expect(once).toContain(texts.claimOnce.happened);
      expect(often).toContain(texts.claimLimited.happened);
      expect(texts.claimOnce.happened).not.toBe(texts.claimLimited.happened);
      for (const html of [once, often]) {
        expect(html).toContain('<form method="post" action="/menu/claim">');
        expect(html).toContain('<input type="hidden" name="nonce" value="n">');
        expect(html).toContain(`<button type="submit">${texts.claimButton}</button>`);
        expect(html).not.toMatch(/<script|javascript:| on[a-z]+=/i);
      }
    });

    it('name the number by which a request is found', () => {
      const html = problemPage(texts, { text: texts.otherProblem, notes: [], requestId: '0192-abc' });
      expect(html).toContain('0192-abc');
      expect(texts.reference('0192-abc').length).toBeGreaterThan('0192-abc'.length);
    });
  });

  it('are not left in English by mistake', () => {
    const others = everyLanguage.filter(([language]) => language !== 'en').map(([, texts]) => texts);
    const said = new Set(everyText(english).flatMap(({ title, happened, todo }) => [title, happened, todo]));
    for (const texts of others)
      for (const { title, happened, todo } of everyText(texts))
        expect([title, happened, todo].filter((text) => said.has(text))).toEqual([]);
  });
});
