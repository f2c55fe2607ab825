import { createHash } from 'node:crypto';
import { claimPage, CONTENT_SECURITY_POLICY, problemPage } from './page.js';
import { english } from './texts.en.js';

const evil = '"><script>alert(1)</script>&\'';

describe('pages', () => {
  it('let nothing that they were given become markup', () => {
    const pages = [
      claimPage(english, { slug: evil, nonce: evil, maxScans: 2 }),
      problemPage(english, {
        text: { title: evil, happened: evil, todo: evil },
        notes: [evil],
        requestId: evil,
      }),
    ];
    for (const page of pages) expect(page).not.toMatch(/<script|alert\(1\)<|="">/);
  });

  it('have their one style allowed by its hash, and nothing else', () => {
    const page = claimPage(english, { slug: 'menu', nonce: 'n', maxScans: 1 });
    const [, style = ''] = /<style>([^]*)<\/style>/.exec(page) ?? [];
    const hash = createHash('sha256').update(style).digest('base64');
    expect(CONTENT_SECURITY_POLICY).toContain(`style-src 'sha256-${hash}'`);
    expect(page).not.toContain(' style=');
  });

  it('are small, and say whether one use is offered or several', () => {
    const once = claimPage(english, { slug: 'menu', nonce: 'n', maxScans: 1 });
    const often = claimPage(english, { slug: 'menu', nonce: 'n', maxScans: 5 });
    expect(Math.max(once.length, often.length)).toBeLessThan(30_000);
    expect(once).toContain('opened once');
    expect(often).toContain('limited number');
  });
});
