import fc from 'fast-check';
import { PageTargetSchema } from './pages.js';

const links = (url: string) => ({ type: 'links', title: 'T', links: [{ label: 'L', url }] });
const wifi = { type: 'wifi', ssid: 'Guests', security: 'WPA', password: 'come in, please' };
const event = {
  type: 'event',
  title: 'Opening',
  start: '2027-03-01T09:00:00+01:00',
  end: '2027-03-01T10:00:00+01:00',
  timeZone: 'Europe/Berlin',
};
const vcard = { type: 'vcard', firstName: 'Ada', lastName: 'Lovelace' };
const accepts = (target: unknown): boolean => PageTargetSchema.safeParse(target).success;

describe('the target of a page', () => {
  it.each([
    'https://example.com/a',
    'tel:+4930901820',
    'sms:+4930901820?body=Hello%20there',
    'mailto:info@example.com',
    'mailto:info@example.com?subject=Hello',
  ])('may link to %s', (url) => {
    expect(accepts(links(url))).toBe(true);
  });

  it.each([
    'javascript:alert(1)',
    'JAVASCRIPT:alert(1)',
    'data:text/html,x',
    'myapp://open',
    'tel:javascript',
    'tel:+49 30',
    'mailto:a@b@c.example',
    'mailto:<a@example.com>',
    'mailto:a@example.com?subject=a\r\nBcc: b@example.com',
    'mailto:a@example.com\u0085',
    'https://user@example.com/',
    '/relative',
    '',
  ])('may not link to %j', (url) => {
    expect(accepts(links(url))).toBe(false);
  });

  it('has at least one link and at most twenty', () => {
    const some = (length: number) => ({
      ...links('https://a.example'),
      links: Array.from({ length }, () => ({ label: 'L', url: 'https://a.example' })),
    });
    expect([0, 1, 20, 21].map((count) => accepts(some(count)))).toEqual([false, true, true, false]);
  });

  it('is small enough for a small page', () => {
    const long = 'x'.repeat(2000);
    expect(accepts({ ...vcard, urls: Array.from({ length: 3 }, () => `https://a.example/${long}`) })).toBe(true);
    expect(accepts({ ...vcard, urls: Array.from({ length: 4 }, () => `https://a.example/${long}`) })).toBe(false);
  });

  it('takes pictures from the workspace’s files only', () => {
    const picture = (given: unknown) => ({ ...vcard, picture: given });
    expect(accepts(picture({ fileId: '0192f0c1-2b3c-7d4e-8f50-617283940a1b', alt: 'Ada' }))).toBe(true);
    expect(accepts(picture({ url: 'https://tracker.example/pixel.png' }))).toBe(false);
    expect(accepts(picture('https://tracker.example/pixel.png'))).toBe(false);
  });

  it('of a contact needs a name of some kind', () => {
    expect(accepts({ type: 'vcard', organisation: 'Signet' })).toBe(true);
    expect(accepts({ type: 'vcard', phones: [{ number: '+49 30 901820' }] })).toBe(false);
    expect(accepts({ ...vcard, address: {} })).toBe(false);
    expect(accepts({ ...vcard, phones: [{ number: '<script>' }] })).toBe(false);
  });

  it('of a network has a password when the network has one, of a length that it can have', () => {
    expect(accepts(wifi)).toBe(true);
    expect(accepts({ ...wifi, password: undefined })).toBe(false);
    expect(accepts({ ...wifi, security: 'nopass' })).toBe(false);
    expect(accepts({ type: 'wifi', ssid: 'Open', security: 'nopass' })).toBe(true);
    expect(accepts({ ...wifi, password: 'short' })).toBe(false);
    expect(accepts({ ...wifi, security: 'WEP', password: 'short' })).toBe(true);
    expect(accepts({ ...wifi, ssid: 'ü'.repeat(17) })).toBe(false);
  });

  it('of an event ends after it starts, in a time zone that there is', () => {
    expect(PageTargetSchema.parse(event)).toMatchObject({ start: '2027-03-01T08:00:00.000Z' });
    expect(accepts({ ...event, end: event.start })).toBe(false);
    expect(accepts({ ...event, end: event.start, allDay: true })).toBe(true);
    expect(accepts({ ...event, timeZone: 'Europe/Atlantis' })).toBe(false);
  });

  it('holds no control characters but line breaks where text has several lines', () => {
    expect(accepts({ ...vcard, note: 'One\nTwo' })).toBe(true);
    const line = fc.string({ unit: 'binary', minLength: 1, maxLength: 100 });
    fc.assert(
      fc.property(line, line, (title, note) => {
        const parsed = PageTargetSchema.safeParse({ ...vcard, title, note });
        if (!parsed.success || parsed.data.type !== 'vcard') return;
        expect(parsed.data.title).not.toMatch(/[\r\n\0]/);
        expect(parsed.data.note).not.toMatch(/[\r\0]/);
      }),
    );
  });

  it('links to nothing but the web and the phone’s own apps, whatever is tried', () => {
    const scheme = fc.constantFrom('https:', 'tel:', 'sms:', 'mailto:', 'javascript:', 'data:', 'vbscript:', '', '//');
    fc.assert(
      fc.property(scheme, fc.string({ unit: 'binary' }), fc.string(), (start, middle, end) => {
        const url = `${start}${middle}${end}`;
        if (!accepts(links(url))) return;
        expect(url).toMatch(/^(https?|tel|sms|mailto):[\x21-\uffff]+$/i);
      }),
    );
  });
});
