import { german } from './texts.de.js';
import { english } from './texts.en.js';
import { spanish } from './texts.es.js';
import { french } from './texts.fr.js';
import { japanese } from './texts.ja.js';
import { korean } from './texts.ko.js';
import type { Texts } from './texts.js';

export const languages = { en: english, de: german, es: spanish, fr: french, ja: japanese, ko: korean } as const;

export type Language = keyof typeof languages;

/** For whoever names no language, or none that we speak. */
const DEFAULT: Language = 'en';

/**
 * The best language for a request: the range with the highest `q` that we speak (RFC 9110 §12.5.4), the first of
 * equals. Ranges are cut down from the end (RFC 4647 §3.4, "lookup"), so that `de-AT` gets `de`.
 */
export function chooseLanguage(acceptLanguage: string | undefined): Language {
  let best = { language: DEFAULT, quality: 0 };
  for (const range of acceptLanguage?.split(',') ?? []) {
    const [tag = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const language = spokenOf(tag);
    const quality = qualityOf(parameters);
    if (language !== undefined && quality > best.quality) best = { language, quality };
  }
  return best.language;
}

/** All that we speak are primary subtags, so what follows the first one never matters. */
function spokenOf(tag: string): Language | undefined {
  const [primary = ''] = tag.split('-', 1);
  if (primary === '*') return DEFAULT;
  return isLanguage(primary) ? primary : undefined;
}

const isLanguage = (tag: string): tag is Language => Object.hasOwn(languages, tag);

/** @returns 1 when none is given, 0 (never chosen) for what is no number from 0 to 1 */
function qualityOf(parameters: readonly string[]): number {
  const given = parameters.find((parameter) => parameter.startsWith('q='));
  if (given === undefined) return 1;
  const quality = Number(given.slice(2));
  return quality >= 0 && quality <= 1 ? quality : 0;
}

const timeFormats = new Map<string, Intl.DateTimeFormat>();

/** @returns a moment as the language writes it, to the minute, such as `1. März 2027 um 14:00 (UTC)` */
export function writeTime({ language }: Texts, at: string): string {
  let format = timeFormats.get(language);
  if (!format) {
    format = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' });
    timeFormats.set(language, format);
  }
  return `${format.format(new Date(at))} (UTC)`;
}
