import type { PageBrand } from '@signet/contracts';
import { languages } from '../languages.js';
import type { PageFrame } from '../page.js';
import { donePage, endPage } from './end-page.js';
import { enrollmentTexts } from './enrollment-texts.js';
import { offerPage } from './offer-page.js';
import { recoveryPage } from './recovery-page.js';
import { setupPage } from './setup-page.js';
import type { EnrollmentEnd } from './texts.js';

const brand: PageBrand = {
  name: 'Nordwind Bank',
  primaryColor: '#a4123f',
  logoUrl: null,
  website: null,
  supportEmail: null,
  supportUrl: null,
};
const evil = '"><script>alert(1)</script>&\'';
const step = { path: '/enroll/abc', formToken: 'token', script: '/assets/enroll.js' };
const secret = {
  otpauthUri: 'otpauth://totp/Nordwind:anna?secret=JBSWY3DPEHPK3PXP&issuer=Nordwind',
  secret: 'JBSWY3DPEHPK3PXP',
  qrSvg: '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0h1v1H0z"/></svg>',
  unusual: 'SHA256, 8 digits',
};
const codes = Array.from({ length: 10 }, (_none, index) => `AAAAA-BBBBB-CCCCC-0000${index}`);
const ENDS: readonly EnrollmentEnd[] = [
  'used',
  'expired',
  'late',
  'revoked',
  'superseded',
  'failed',
  'guessed',
  'disabled',
];

const everyPage = (frame: PageFrame, issuer = 'Nordwind') => ({
  offer: offerPage(frame, { ...step, issuer, accountHint: 'a…@…', purpose: issuer, expiresAt: '2027-03-01T12:00:00Z' }),
  'offer with a PIN': offerPage(frame, {
    ...step,
    issuer,
    accountHint: 'a…@…',
    purpose: null,
    expiresAt: '2027-03-01T12:00:00Z',
    pin: { triesLeft: 4 },
  }),
  setup: setupPage(frame, { ...step, secret, minutesLeft: 10 }),
  code: setupPage(frame, { ...step, minutesLeft: 1, failure: { triesLeft: 1 } }),
  'slow clock': setupPage(frame, { ...step, minutesLeft: 1, failure: { triesLeft: 2, clockOffSeconds: -90 } }),
  'recovery codes': recoveryPage(frame, { ...step, issuer, codes }),
  'recovery codes again': recoveryPage(frame, { ...step, issuer, isUnsaved: true }),
  done: donePage(frame, { ...step, issuer }),
  ...Object.fromEntries(ENDS.map((end) => [end, endPage(frame, { ...step, end, requestId: 'r' })])),
});

/** Every sentence and label with the path to it. */
function everyText(value: unknown, path = ''): [path: string, text: string][] {
  if (typeof value === 'string') return [[path, value]];
  if (typeof value === 'function') return [[path, String(value('2'))]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => everyText(inner, `${path}.${name}`));
}

describe.each(Object.entries(languages))('the pages of an enrollment in %s', (language, texts) => {
  it.each(Object.entries(everyPage({ texts, brand })))('are small, accessible and work by forms: %s', (_name, page) => {
    expect(Buffer.byteLength(page.html)).toBeLessThan(30_000);
    expect(page.language).toBe(language);
    expect(page.html).not.toMatch(/javascript:| on[a-z]+=| style=/i);
    expect(page.html.match(/<script/g)).toHaveLength(1);
    for (const [, id = ''] of page.html.matchAll(/<label [^>]*for="([^"]*)"/g))
      expect(page.html).toContain(`id="${id}"`);
    expect(page.contentSecurityPolicy).toContain("form-action 'self'");
  });
});

it.each(Object.entries(enrollmentTexts).filter(([language]) => language !== 'en'))(
  'the texts of enrollments in %s are there and not left in English',
  (_language, texts) => {
    const said = new Map(everyText(enrollmentTexts.en));
    const own = everyText(texts);
    expect(own.map(([path]) => path).toSorted()).toEqual([...said.keys()].toSorted());
    expect(own.filter(([path, text]) => text !== text.trim() || text === '' || text === said.get(path))).toEqual([]);
  },
);

describe('the pages of an enrollment', () => {
  const frame: PageFrame = { texts: languages.en };

  it('let nothing that a workspace has written become markup', () => {
    for (const { html } of Object.values(everyPage({ texts: languages.en, brand: { ...brand, name: evil } }, evil)))
      expect(html).not.toMatch(/<script>|alert\(1\)<\/script>/);
  });

  it('show the secret as a picture, as a link for the same phone, and as a key in fours', () => {
    const { html } = setupPage(frame, { ...step, secret, minutesLeft: 10 });
    expect(html).toContain('JBSW Y3DP EHPK 3PXP');
    expect(html).toContain('href="otpauth://totp/Nordwind:anna?secret=JBSWY3DPEHPK3PXP&amp;issuer=Nordwind"');
    expect(html).toContain('<svg ');
    expect(setupPage(frame, { ...step, minutesLeft: 10 }).html).not.toMatch(/otpauth|<svg viewBox|JBSW/);
  });

  it('say how wrong the clock is, which way, and how many tries are left', () => {
    const at = (clockOffSeconds: number) =>
      setupPage(frame, { ...step, minutesLeft: 9, failure: { triesLeft: 4, clockOffSeconds } }).html;
    expect(at(90)).toContain('Your phone’s clock is about 90 s fast.');
    expect(at(-60)).toContain('Your phone’s clock is about 60 s slow.');
    expect(at(90)).toContain('4 tries are left.');
  });

  it('give the recovery codes to keep, and take a tick for it', () => {
    const { html } = recoveryPage(frame, { ...step, issuer: 'Nordwind', codes });
    const [, data = ''] =
      /href="data:text\/plain;charset=utf-8;base64,([^"]*)" download="recovery-codes.txt"/.exec(html) ?? [];
    expect(Buffer.from(data, 'base64').toString()).toBe(`Nordwind\r\n\r\n${codes.join('\r\n')}\r\n`);
    expect(html).toMatch(/<input id="saved" name="saved" type="checkbox" value="yes" required>/);
    expect(html).toMatch(/hidden data-print/);
  });

  it('let whoever finds the link used say that it was not them, once', () => {
    const used = endPage(frame, { ...step, end: 'used', requestId: 'r' }).html;
    const told = endPage(frame, { ...step, end: 'used', requestId: 'r', isTold: true }).html;
    expect([used, told].map((html) => html.includes('<form'))).toEqual([true, false]);
    expect(told).toContain('The issuer has been told.');
  });
});
