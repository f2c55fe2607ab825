import { markup } from './html.js';
import { renderPage, type Page, type PageFrame } from './page.js';
import type { ScanMessage } from './texts.js';

export interface CheckPage {
  /** The host that the page is at. */
  host: string;
  /** Path of the script that scans. */
  script: string;
  /** Whether something has just been sent that is no link. */
  isUnreadable: boolean;
}

/** Characters; a QR code holds no more bytes. */
export const MAX_CHECKED_LENGTH = 2953;

const MESSAGES: readonly (ScanMessage | 'scan' | 'stop')[] = [
  'scan',
  'stop',
  'looking',
  'denied',
  'absent',
  'nothing',
  'noLink',
];
const STYLE = `
.unseen{position:absolute;width:1px;height:1px;min-height:0;padding:0;border:0;overflow:hidden;clip-path:inset(50%)}
.unseen:focus-visible+label{outline:3px solid var(--text);outline-offset:3px}
label.button{margin:.75rem 0 0}
video{display:block;width:100%;aspect-ratio:4/3;margin-top:.75rem;border-radius:.625rem;object-fit:cover;background:#000000}
#scanner{margin-bottom:1.5rem;padding-bottom:1.25rem;border-bottom:1px solid var(--line)}
#scanner .soft{margin:.75rem 0 0;font-size:.875rem;line-height:1.4}
#said{margin:.75rem 0 0;font-weight:600}
#said:empty{margin:0}
`;

/**
 * Where anybody asks whether a code was issued here: by its link, in a form that needs no script, or by camera or
 * picture, which are read in the browser.
 */
export function checkPage(frame: PageFrame, { host, script, isUnreadable }: CheckPage): Page {
  const { check: texts } = frame.texts;
  const messages = MESSAGES.map((name) => markup` data-${attribute(name)}="${texts[name]}"`);
  const refusal = isUnreadable && markup`<p class="wrong" id="wrong" role="alert">${texts.unreadable}</p>\n`;
  const state = isUnreadable && markup` aria-invalid="true" aria-describedby="wrong"`;
  const body = markup`<p>${texts.lead}</p>
<div id="scanner" hidden${messages}>
<video id="video" muted playsinline hidden></video>
<button type="button" id="scan">${texts.scan}</button>
<input class="unseen" type="file" id="picture" accept="image/*"><label class="button second" for="picture">${texts.picture}</label>
<p id="said" role="status"></p>
<p class="soft">${texts.privacy}</p>
</div>
<form method="post" action="/check">
<label for="link">${texts.link}</label>
<input id="link" name="link" type="text" inputmode="url" required maxlength="${MAX_CHECKED_LENGTH}" placeholder="https://" autocomplete="off" autocapitalize="none" spellcheck="false"${state}>
${refusal}<button type="submit">${texts.button}</button>
</form>
<p class="reference">${texts.ownAddress(host)}</p>
`;
  return renderPage({
    ...frame,
    title: texts.title,
    description: texts.lead,
    body,
    isCheck: true,
    style: STYLE,
    scripts: [script],
    policy: ["form-action 'self'"],
    permissions: ['camera'],
  });
}

/** `noLink` becomes `no-link`, as `dataset` has it. */
const attribute = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
