import { markup } from './html.js';
import { renderPage, type Page, type PageFrame } from './page.js';

export interface ClaimPage {
  slug: string;
  nonce: string;
  maxScans: number;
}

/**
 * The page before a use: shows no target, and uses something only when a person presses the button. It is also what
 * previewing programs get: a browser may show a person the page that it fetched ahead, so it must have the button.
 */
export function claimPage(frame: PageFrame, { slug, nonce, maxScans }: ClaimPage): Page {
  const { texts } = frame;
  const { title, happened, todo } = maxScans === 1 ? texts.claimOnce : texts.claimLimited;
  const body = markup`<p>${happened}</p>
<p>${todo}</p>
<form method="post" action="/${encodeURIComponent(slug)}/claim">
<input type="hidden" name="nonce" value="${nonce}">
<button type="submit">${texts.claimButton}</button>
</form>
`;
  return renderPage({ ...frame, title, description: happened, body });
}
