import { writeTime } from '../languages.js';
import { markup } from '../html.js';
import type { Page, PageFrame } from '../page.js';
import { textsOf } from './enrollment-texts.js';
import { wizardForm, wizardPage, type WizardStep } from './wizard-page.js';

export interface EnrollmentOffer extends WizardStep {
  issuer: string;
  /** Enough of the account for its owner, and of no use to anybody else. */
  accountHint: string;
  purpose: string | null;
  /** RFC 3339. */
  expiresAt: string;
}

/** Who asks, for which account and why. Nothing happens before a person presses the button. */
export function offerPage(frame: PageFrame, offer: EnrollmentOffer): Page {
  const { offer: texts } = textsOf(frame.texts);
  const { issuer, accountHint, purpose, expiresAt } = offer;
  const body = markup`<p>${texts.asks(issuer)}</p>
<dl>
<dt>${texts.account}</dt><dd translate="no">${accountHint}</dd>
${purpose !== null && markup`<dt>${texts.purpose}</dt><dd>${purpose}</dd>\n`}</dl>
<p>${texts.why}</p>
<p>${texts.need}</p>
<p>${texts.caution(issuer)}</p>
${wizardForm(offer, 'claim', markup`<button type="submit">${texts.button}</button>\n`)}<p class="reference">${texts.once(writeTime(frame.texts, expiresAt))}</p>
`;
  return wizardPage(frame, offer, { title: texts.title, body });
}
