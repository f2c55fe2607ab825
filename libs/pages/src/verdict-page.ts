import type { OriginVerdict } from '@signet/contracts';
import { markup } from './html.js';
import { renderPage, type Page, type PageFrame } from './page.js';
import { pictureOfSign, type Sign } from './sign.js';

export interface VerdictPage {
  verdict: OriginVerdict;
  /** Who issued the code, where it was issued here and somebody is known. */
  issuedBy?: string | undefined;
  /** Of a link that leads elsewhere: its host in ASCII, which hides no look-alike letter. */
  host?: string | undefined;
}

const signs: Readonly<Record<OriginVerdict, Sign>> = {
  active: 'good',
  scheduled: 'wait',
  paused: 'wait',
  expired: 'wait',
  exhausted: 'wait',
  revoked: 'bad',
  unknown: 'bad',
  foreign: 'bad',
};

/** Whether a code was issued here, for whom, and whether it is active; nothing of where it leads. */
export function verdictPage(frame: PageFrame, { verdict, issuedBy, host }: VerdictPage): Page {
  const { check: texts, frame: shell } = frame.texts;
  const { title, happened, todo } = texts.verdicts[verdict];
  const body = markup`<p>${happened}</p>
${issuedBy !== undefined && markup`<p class="issuer">${shell.issuedBy(issuedBy)}</p>\n`}${
    host !== undefined && markup`<p class="issuer">${texts.leadsTo(host)}</p>\n`
  }<p>${todo}</p>
<p><a class="button second" href="/check">${texts.another}</a></p>
`;
  return renderPage({ ...frame, title, above: pictureOfSign(signs[verdict]), body, isCheck: true });
}
