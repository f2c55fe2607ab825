import type { ProblemKind } from '@signet/contracts';
import { markup } from './html.js';
import { renderPage, type Page, type PageFrame } from './page.js';
import { pictureOfSign, type Sign } from './sign.js';
import type { PageProblem, PageText } from './texts.js';

const signs: Readonly<Record<PageProblem, Sign>> = {
  'code-unknown': 'bad',
  'code-revoked': 'bad',
  'code-expired': 'wait',
  'code-exhausted': 'wait',
  'code-paused': 'wait',
  'code-not-active-yet': 'wait',
  'code-undecided': 'wait',
  'too-many-requests': 'wait',
  'invalid-request': 'wait',
};

/** @returns undefined for a problem without a page of its own */
export const problemSign = (kind: ProblemKind): Sign | undefined => {
  const known: Partial<Record<ProblemKind, Sign>> = signs;
  return known[kind];
};

export interface ProblemPage {
  text: PageText;
  sign?: Sign | undefined;
  /** More sentences on what happened that only this request needs. */
  notes: readonly string[];
  requestId: string;
}

/** What happened, what to do, and by which number we find the request again. */
export function problemPage(frame: PageFrame, { text, sign, notes, requestId }: ProblemPage): Page {
  const { title, happened, todo } = text;
  const paragraphs = [happened, ...notes, todo].map((sentence) => markup`<p>${sentence}</p>\n`);
  const body = markup`${paragraphs}<p class="reference">${frame.texts.reference(requestId)}</p>\n`;
  return renderPage({ ...frame, title, above: sign && pictureOfSign(sign), body });
}
