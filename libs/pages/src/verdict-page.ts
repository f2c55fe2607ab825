import type { OriginVerdict } from '@signet/contracts';
import { Html, markup } from './html.js';
import { renderPage, type Page, type PageFrame } from './page.js';

export interface VerdictPage {
  verdict: OriginVerdict;
  /** Who issued the code, where it was issued here and somebody is known. */
  issuedBy?: string | undefined;
  /** Of a link that leads elsewhere: its host in ASCII, which hides no look-alike letter. */
  host?: string | undefined;
}

/** How each verdict looks, beside what it says: by shape, too, for those who do not see the colour. */
const looks: Readonly<Record<OriginVerdict, 'good' | 'wait' | 'bad'>> = {
  active: 'good',
  scheduled: 'wait',
  paused: 'wait',
  expired: 'wait',
  exhausted: 'wait',
  revoked: 'bad',
  unknown: 'bad',
  foreign: 'bad',
};
const shapes = {
  good: '<circle cx="24" cy="24" r="21"/><path d="m14.5 24.5 6.5 6.5 12.5-13.5"/>',
  wait: '<circle cx="24" cy="24" r="21"/><path d="M24 13v11.5l7.5 5"/>',
  bad: '<path d="M16 3h16l13 13v16L32 45H16L3 32V16z"/><path d="m17 17 14 14m0-14L17 31"/>',
} as const;

/** Whether a code was issued here, for whom, and whether it is active; nothing of where it leads. */
export function verdictPage(frame: PageFrame, { verdict, issuedBy, host }: VerdictPage): Page {
  const { check: texts, frame: shell } = frame.texts;
  const { title, happened, todo } = texts.verdicts[verdict];
  const look = looks[verdict];
  const picture = `<svg class="verdict ${look}" viewBox="0 0 48 48" aria-hidden="true">${shapes[look]}</svg>\n`;
  const body = markup`<p>${happened}</p>
${issuedBy !== undefined && markup`<p class="issuer">${shell.issuedBy(issuedBy)}</p>\n`}${
    host !== undefined && markup`<p class="issuer">${texts.leadsTo(host)}</p>\n`
  }<p>${todo}</p>
<p><a class="button second" href="/check">${texts.another}</a></p>
`;
  return renderPage({ ...frame, title, above: Html.trusted(picture), body });
}
