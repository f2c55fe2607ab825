import { chooseLanguage, languages, writeTime } from './languages.js';

describe('chooseLanguage', () => {
  it.each([
    ['de', 'de'],
    ['de-AT', 'de'],
    ['DE-at', 'de'],
    ['zh-TW, ja;q=0.8, en;q=0.5', 'ja'],
    ['en;q=0.3, fr-CA;q=0.9', 'fr'],
    ['es;q=0.8, ko;q=0.8', 'es'],
    ['fr;q=0, es;q=0.1', 'es'],
    ['*', 'en'],
    ['ko;q=0.2, *;q=0.9', 'en'],
    ['de;q=2, fr;q=0.1', 'fr'],
    ['de;q=x, fr;q=0.1', 'fr'],
    ['ko ; q=0.9', 'ko'],
    ['deu', 'en'],
    ['constructor, __proto__', 'en'],
    ['zh-TW', 'en'],
    [',;,', 'en'],
    ['', 'en'],
    [undefined, 'en'],
  ])('answers %s in %s', (acceptLanguage, expected) => {
    expect(chooseLanguage(acceptLanguage)).toBe(expected);
  });
});

describe('writeTime', () => {
  it.each([
    ['en', /^March 1, 2027 at 2:05\sPM \(UTC\)$/],
    ['de', /^1\. März 2027 um 14:05 \(UTC\)$/],
    ['es', /^1 de marzo de 2027(,| a las) 14:05 \(UTC\)$/],
    ['fr', /^1(er)? mars 2027 à 14:05 \(UTC\)$/],
    ['ja', /^2027年3月1日 14:05 \(UTC\)$/],
    ['ko', /^2027년 3월 1일 오후 2:05 \(UTC\)$/],
  ] as const)('names day, minute and zone in %s', (language, expected) => {
    expect(writeTime(languages[language], '2027-03-01T14:05:59.000Z')).toMatch(expected);
  });
});
