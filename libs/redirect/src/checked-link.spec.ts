import { readLink, slugOf } from './checked-link.js';

describe('a pasted link', () => {
  it.each([
    ['https://sgn.example/menu', 'https://sgn.example/menu'],
    ['  HTTPS://SGN.example/Menu\n', 'https://sgn.example/Menu'],
    ['sgn.example/menu', 'https://sgn.example/menu'],
    ['sgn.example:8443/menu', 'https://sgn.example:8443/menu'],
    ['localhost:8080/menu', 'https://localhost:8080/menu'],
    ['127.0.0.1/menu', 'https://127.0.0.1/menu'],
    ['bücher.example/menu', 'https://xn--bcher-kva.example/menu'],
  ])('%j is read as %s', (text, url) => {
    expect(readLink(text)?.href).toBe(url);
  });

  it.each([
    '',
    'menu',
    '/menu',
    'see sgn.example/menu',
    'otpauth://totp/a?secret=b',
    'WIFI:S:Guests;T:WPA;P:secret;;',
    'javascript:alert(1)',
    'mailto:help@sgn.example',
    'tel:+4930901820',
    'https://',
    'https://sgn.example:99999/menu',
    'ftp://sgn.example/menu',
  ])('%j is no link of the web', (text) => {
    expect(readLink(text)).toBeUndefined();
  });
});

describe('the slug of a link', () => {
  it.each([
    ['https://sgn.example/menu', 'menu'],
    ['https://sgn.example/menu?utm_source=poster#top', 'menu'],
    ['https://sgn.example/a/../menu', 'menu'],
    ['https://sgn.example/menu/', 'menu'],
    ['https://sgn.example/menu/claim', 'menu'],
    ['https://sgn.example/menu/contact.vcf', 'menu'],
    ['https://sgn.example/enroll/7Fq2mWcZ9KxVbT4nRsYpLd', '7Fq2mWcZ9KxVbT4nRsYpLd'],
  ])('of %s is %s', (url, slug) => {
    expect(slugOf(new URL(url))).toBe(slug);
  });

  it.each([
    'https://sgn.example/',
    'https://sgn.example/x',
    'https://sgn.example//menu',
    'https://sgn.example/men%75',
    'https://sgn.example/menu%00',
    'https://me@sgn.example/menu',
    'https://sgn.example:x@sgn.example/menu',
  ])('is none in %s', (url) => {
    expect(slugOf(new URL(url))).toBeUndefined();
  });
});
