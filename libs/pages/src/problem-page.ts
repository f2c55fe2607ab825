import { markup } from './html.js';
import { renderPage, type Page, type PageFrame } from './page.js';
import type { PageText } from './texts.js';

export interface ProblemPage {
  text: PageText;
  /** More sentences that only this request needs. */
  notes: readonly string[];
  requestId: string;
}

/** What happened, what to do, and by which number we find the request again. */
export function problemPage(frame: PageFrame, { text, notes, requestId }: ProblemPage): Page {
  const { title, happened, todo } = text;
  const paragraphs = [happened, todo, ...notes].map((sentence) => markup`<p>${sentence}</p>\n`);
  const body = markup`${paragraphs}<p class="reference">${frame.texts.reference(requestId)}</p>\n`;
  return renderPage({ ...frame, title, body });
}
