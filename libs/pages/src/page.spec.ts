import { createHash } from 'node:crypto';
import type { PageBrand } from '@signet/contracts';
import { Html, markup } from './html.js';
import { languages } from './languages.js';
import { renderPage } from './page.js';
import { STYLE } from './style.js';

const brand: PageBrand = {
  name: 'Nordwind Bank',
  primaryColor: '#a4123f',
  logoUrl: '/assets/brands/1/2',
  website: 'https://www.nordwind.example/',
  supportEmail: 'help@nordwind.example',
  supportUrl: null,
};
const { en } = languages;
const body = markup`<p>Text</p>\n`;
const evil = '"><script>alert(1)</script>&\'';

describe('the shell of the pages', () => {
  it('lets nothing that it was given become markup', () => {
    const { html } = renderPage({
      texts: en,
      title: evil,
      description: evil,
      body: markup`<p title="${evil}">${evil}</p>`,
      brand: { ...brand, name: evil, logoUrl: `/${evil}`, website: `https://a.example/?${evil}`, supportEmail: evil },
    });
    expect(html).not.toMatch(/<script|(?<!alt=)"">/);
    expect(html).toContain('&lt;script&gt;alert(1)');
  });

  it('allows its own styles by their hashes, pictures from its origin, and nothing else', () => {
    const { html, contentSecurityPolicy } = renderPage({ texts: en, brand, title: 'A', body, style: 'p{margin:1rem}' });
    const hashes = Array.from(
      html.matchAll(/<style>([^]*?)<\/style>/g),
      ([, css = '']) => `'sha256-${createHash('sha256').update(css).digest('base64')}'`,
    );
    expect(hashes).toHaveLength(3);
    expect(contentSecurityPolicy).toBe(
      `default-src 'none'; style-src ${hashes.join(' ')}; img-src 'self'; base-uri 'none'; frame-ancestors 'none'`,
    );
    expect(html).not.toMatch(/ style=|<script| on[a-z]+=/);
  });

  it('lets a page that says so load a script of its origin', () => {
    const { html, contentSecurityPolicy } = renderPage({
      texts: en,
      title: 'A',
      body,
      scripts: ['/check/scan.js'],
      policy: ["connect-src 'self'"],
    });
    expect(html).toContain('<script type="module" src="/check/scan.js"></script>');
    expect(contentSecurityPolicy).toContain("script-src 'self'; connect-src 'self'; ");
  });

  it('names the issuer above and below, with a way to check a code', () => {
    const { html } = renderPage({ texts: en, brand, title: 'A', body });
    expect(html).toContain('<header><img src="/assets/brands/1/2" alt=""><span>Nordwind Bank</span></header>');
    expect(html).toContain('Issued by Nordwind Bank');
    expect(html).toContain('<a href="/check">Check a code</a>');
    expect(html).toContain('<a href="https://www.nordwind.example/">nordwind.example</a>');
    expect(html).toContain('<a href="mailto:help@nordwind.example">Help</a>');
    expect(html).toContain('<meta property="og:site_name" content="Nordwind Bank">');
  });

  it('shows the first letter of an issuer without a logo', () => {
    const { html } = renderPage({ texts: en, brand: { ...brand, name: 'école', logoUrl: null }, title: 'A', body });
    expect(html).toContain('<span class="mark" aria-hidden="true">É</span>');
  });

  it('says nothing of an issuer whom it does not know', () => {
    const { html } = renderPage({ texts: en, title: 'A', body });
    expect(html).not.toMatch(/<header|Issued by|og:site_name/);
    expect(html).toContain('<a href="/check">Check a code</a>');
  });

  it.each(Object.entries(languages))('has landmarks and one heading, and says that it speaks %s', (language, texts) => {
    const { html } = renderPage({ texts, brand, title: 'Title', body, above: Html.trusted('') });
    expect(html).toContain(`<html lang="${language}">`);
    expect(html).toContain('<meta charset="utf-8">');
    expect(html).toContain('<title>Title · Nordwind Bank</title>');
    for (const element of ['header', 'main', 'footer', 'h1']) expect(html.split(`<${element}`)).toHaveLength(2);
  });
});

describe('the style of the pages', () => {
  const rule = (selector: string): string => STYLE.split(`\n${selector}{`)[1]?.split('}')[0] ?? '';

  it('makes what is pressed large enough for fingers', () => {
    // WCAG 2.2 SC 2.5.8 asks for 24 px; 3 rem are 48. A line of the footer is 14 px × 1.55 + 2 × 4 px.
    expect(rule('button,.button')).toContain('min-height:3rem');
    expect(rule('input,select')).toContain('min-height:3rem');
    expect(rule('dd a')).toContain('min-height:1.75rem');
    expect(rule('footer a')).toContain('padding:.25rem 0');
  });

  it('shows where the keyboard is, and moves nothing', () => {
    expect(rule(':focus-visible')).toContain('outline:3px solid');
    expect(STYLE).not.toMatch(/outline:(0|none)|transition|animation|scroll-behavior/);
  });
});
