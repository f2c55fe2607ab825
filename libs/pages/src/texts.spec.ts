import { languages } from './languages.js';
import { english } from './texts.en.js';
import type { PageText, Texts } from './texts.js';

const others = Object.entries(languages).filter(([language]) => language !== 'en');

/** Every sentence and label with the path to it; those with a place for something are asked with it. */
function everyText(value: unknown, path = ''): [path: string, text: string][] {
  if (typeof value === 'string') return [[path, value]];
  if (typeof value === 'function') return [[path, String(value('2'))]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => everyText(inner, `${path}.${name}`));
}

const pageTexts = (texts: Texts): PageText[] => [
  texts.claimOnce,
  texts.claimLimited,
  texts.otherProblem,
  texts.password,
  texts.app,
  ...Object.values(texts.check.verdicts),
  ...Object.values(texts.problems),
];

describe.each(Object.entries(languages))('the texts in %s', (language, texts) => {
  it('are there, and have nothing at their ends', () => {
    expect(texts.language).toBe(language);
    for (const [path, text] of everyText(texts)) expect([path, text]).toEqual([path, text.trim() || 'missing']);
  });

  it('say something else of every problem, in sentences', () => {
    const titles = Object.values(texts.problems).map(({ title }) => title);
    expect(new Set(titles).size).toBe(titles.length);
    for (const { happened, todo } of pageTexts(texts)) expect(`${happened} ${todo}`).toMatch(/[.。]$/);
  });

  it('tell apart one use and several', () => {
    expect(texts.claimOnce.happened).not.toBe(texts.claimLimited.happened);
  });
});

it.each(others)('the texts in %s are not left in English by mistake', (_language, texts) => {
  const said = new Map(everyText(english));
  const same = everyText(texts).filter(([path, text]) => text === said.get(path));
  // Words that are the same in both, such as “Note” or “Fax”.
  expect(same.filter(([, text]) => text.includes(' '))).toEqual([]);
});
