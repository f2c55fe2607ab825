import { PageTargetSchema, type PageBrand, type PageTarget } from '@signet/contracts';
import { appPage } from './app-page.js';
import { claimPage } from './claim-page.js';
import { filePage } from './file-page.js';
import { languages } from './languages.js';
import type { Page, PageFrame } from './page.js';
import { passwordPage } from './password-page.js';
import { problemPage } from './problem-page.js';
import { targetPage } from './target-page.js';
import { problemText } from './texts.js';

/** In a language that needs three bytes for a letter. */
const long = (length: number): string => '長'.repeat(length);
const longUrl = (length: number): string => `https://example.com/${'x'.repeat(length)}`;
const evil = '"><script>alert(1)</script>&\'';
const brand: PageBrand = {
  name: long(100),
  primaryColor: '#ffd400',
  logoUrl: '/assets/brands/1/1',
  website: 'https://nordwind.example/',
  supportEmail: null,
  supportUrl: 'https://nordwind.example/help',
};

/** About as large as their schemas let them be. */
const pictured = { fileId: '0192f0c1-2b3c-7d4e-8f50-617283940a1b' };
const targets: Record<PageTarget['type'], object> = {
  links: {
    title: long(200),
    description: long(1000),
    picture: pictured,
    links: Array.from({ length: 20 }, () => ({ label: long(100), url: longUrl(200) })),
  },
  vcard: {
    firstName: long(100),
    lastName: long(100),
    organisation: long(200),
    phones: Array.from({ length: 10 }, () => ({ number: '+49 (0)30 901820', type: 'work' })),
    emails: Array.from({ length: 10 }, () => 'somebody.with.a.name@department.example.com'),
    urls: Array.from({ length: 10 }, () => longUrl(5)),
    address: { street: long(200), city: long(100), country: long(100) },
    note: long(1000),
  },
  wifi: { ssid: 'Lumière; Guests', security: 'WPA', password: 'x'.repeat(63), hidden: true },
  event: {
    title: long(200),
    start: '2027-03-01T18:00:00.000Z',
    end: '2027-03-01T21:00:00.000Z',
    timeZone: 'Europe/Berlin',
    location: long(300),
    website: 'https://museum.example/evening',
    description: long(2000),
  },
};
const code = { codeId: '0192f0c1-2b3c-7d4e-8f50-617283940a1b', version: 2, at: new Date('2027-01-01T00:00:00Z') };
const show = (frame: PageFrame, type: PageTarget['type'], fields: object = {}, path?: string): Page =>
  targetPage(frame, { ...code, target: PageTargetSchema.parse({ type, ...targets[type], ...fields }), path });

const everyPage = (frame: PageFrame): Record<string, Page> => ({
  links: show(frame, 'links', {}, '/menu'),
  contact: show(frame, 'vcard', {}, '/menu'),
  'contact of a protected code': show(frame, 'vcard'),
  wifi: show(frame, 'wifi'),
  event: show(frame, 'event', {}, '/menu'),
  'event of a protected code': show(frame, 'event'),
  file: filePage(frame, {
    name: long(200),
    contentType: 'application/pdf',
    bytes: 2_412_345,
    url: '/menu/file/a.pdf',
    disposition: 'inline',
  }),
  password: passwordPage(frame, { slug: 'menu', nonce: 'n', isWrong: true }),
  app: appPage(frame, { deepLink: 'myapp://a', storeUrl: longUrl(300), webUrl: longUrl(300) }),
  claim: claimPage(frame, { slug: 'menu', nonce: 'n', maxScans: 1 }),
  problem: problemPage(frame, {
    text: problemText(frame.texts, 'code-exhausted'),
    notes: [frame.texts.retryAfter(1), frame.texts.activeFrom('now')],
    requestId: 'r',
  }),
});

describe.each(Object.entries(languages))('every page in %s', (language, texts) => {
  it.each(Object.entries(everyPage({ texts, brand })))('is small, accessible and without script: %s', (_name, page) => {
    expect(Buffer.byteLength(page.html)).toBeLessThan(30_000);
    expect(page.language).toBe(language);
    expect(page.html).not.toMatch(/<script|javascript:| on[a-z]+=| style=/i);
    for (const [, attributes = ''] of page.html.matchAll(/<img([^>]*)>/g)) expect(attributes).toMatch(/ alt="/);
    for (const [, id = ''] of page.html.matchAll(/<label for="([^"]*)"/g)) expect(page.html).toContain(`id="${id}"`);
    const inputs = [...page.html.matchAll(/<input (?!type="hidden")/g)];
    expect(inputs).toHaveLength([...page.html.matchAll(/<label /g)].length);
  });
});

describe('the pages', () => {
  const frame: PageFrame = { texts: languages.en };

  it('let nothing that a workspace has written become markup', () => {
    const pages = [
      show(frame, 'links', { title: evil, description: evil, links: [{ label: evil, url: 'https://a.example/"<' }] }),
      show(frame, 'vcard', { firstName: evil, note: evil, address: { street: evil } }, '/menu'),
      show(frame, 'wifi', { ssid: '"><script>a</script>', password: evil }),
      show(frame, 'event', { title: evil, location: evil, description: evil }, '/menu'),
      filePage(frame, { name: evil, contentType: evil, bytes: 1, url: `/${evil}`, disposition: 'attachment' }),
      passwordPage(frame, { slug: evil, nonce: evil, isWrong: false }),
      appPage(frame, { deepLink: 'myapp:"><script>', webUrl: 'https://a.example/"><script>' }),
      claimPage(frame, { slug: evil, nonce: evil, maxScans: 2 }),
      problemPage(frame, { text: { title: evil, happened: evil, todo: evil }, notes: [evil], requestId: evil }),
    ];
    for (const { html } of pages) expect(html).not.toMatch(/<script|(?<!alt=)"">/);
  });

  it('ask for a password without telling how many tries are left', () => {
    const asked = passwordPage(frame, { slug: 'menu', isWrong: false }).html;
    const wrong = passwordPage(frame, { slug: 'menu', isWrong: true }).html;
    expect(asked).toContain('<form method="post" action="/menu/claim">');
    expect(asked).not.toMatch(/role="alert"|name="nonce"/);
    expect(wrong).toMatch(/aria-invalid="true" aria-describedby="wrong"[^]*id="wrong" role="alert"/);
    expect(wrong.match(/<main>[^]*<\/main>/)?.[0]).not.toMatch(/\d tries|left/);
  });

  it('of a network show no chat its password', () => {
    const { html } = show(frame, 'wifi', { password: 'two-croissants-please' });
    expect(html.match(/<head>[^]*<\/head>/)?.[0]).not.toContain('croissants');
    expect(html).toContain('<span class="copy" translate="no">two-croissants-please</span>');
  });

  it('of an event name its times in its own zone, and whole days without any', () => {
    const times = show({ texts: languages.de }, 'event', { description: undefined }).html;
    expect(times).toMatch(/Montag, 1\. März 2027,? 19:00.22:00 Uhr MEZ/);
    const days = show({ texts: languages.de }, 'event', { allDay: true, end: '2027-03-02T21:00:00Z' }).html;
    expect(days).not.toContain('MEZ');
    expect(days).toContain('2. März 2027');
  });

  it('of a contact call the number that was meant', () => {
    const { html } = show(frame, 'vcard', {}, '/menu');
    expect(html).toContain('<a href="tel:+4930901820">+49 (0)30 901820</a>');
    expect(html).toContain('<a class="button" href="/menu/contact.vcf">Save contact</a>');
  });

  it('of a protected code have their download in themselves', () => {
    const [, data = ''] =
      /href="data:text\/vcard;charset=utf-8;base64,([^"]*)" download="contact.vcf"/.exec(
        show(frame, 'vcard', { firstName: 'Ada' }).html,
      ) ?? [];
    expect(Buffer.from(data, 'base64').toString()).toContain('FN:Ada ');
  });

  it('write sizes as phones do', () => {
    const size = (bytes: number): string =>
      filePage(frame, { name: 'a', contentType: 'audio/mpeg', bytes, url: '/a', disposition: 'attachment' }).html;
    expect(size(1)).toContain('Audio file · 1 byte<');
    expect(size(2_412_345)).toContain('Audio file · 2.4 MB<');
  });
});
