import type { Language } from '../languages.js';
import type { Texts } from '../texts.js';
import { german } from './texts.de.js';
import { english } from './texts.en.js';
import { spanish } from './texts.es.js';
import { french } from './texts.fr.js';
import { japanese } from './texts.ja.js';
import { korean } from './texts.ko.js';
import type { EnrollmentTexts } from './texts.js';

export const enrollmentTexts: Readonly<Record<Language, EnrollmentTexts>> = {
  en: english,
  de: german,
  es: spanish,
  fr: french,
  ja: japanese,
  ko: korean,
};

/** What the pages of an enrollment say in the language of their frame. */
export function textsOf({ language }: Texts): EnrollmentTexts {
  const known: Readonly<Record<string, EnrollmentTexts>> = enrollmentTexts;
  return known[language] ?? english;
}
