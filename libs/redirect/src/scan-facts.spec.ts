import { countryOf, firstLanguage, referrerHost } from './scan-facts.js';

describe('what a request says of its sender', () => {
  it.each([
    ['de-CH,de;q=0.9,en;q=0.8', 'de-CH'],
    ['zh-Hant-TW;q=0.7', 'zh-Hant-TW'],
    ['*', undefined],
    ['', undefined],
    [`a${'-aaaaaaaa'.repeat(9)}`, undefined],
    ['de<script>', undefined],
    [undefined, undefined],
  ])('has of the languages %s the first: %s', (header, language) => {
    expect(firstLanguage(header)).toBe(language);
  });

  it.each([
    ['https://news.example/path?secret=1', 'news.example'],
    ['android-app://com.example', undefined],
    ['https://', undefined],
    ['nonsense', undefined],
    [undefined, undefined],
  ])('has of the referrer %s the host only: %s', (header, host) => {
    expect(referrerHost(header)).toBe(host);
  });

  it.each([
    ['de', 'DE'],
    ['XX', undefined],
    ['T1', undefined],
    ['Germany', undefined],
    [['DE', 'FR'], undefined],
    [undefined, undefined],
  ])('takes %s for the country %s', (header, country) => {
    expect(countryOf(header)).toBe(country);
  });
});
