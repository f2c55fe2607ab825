import { writeTime } from '../languages.js';
import { markup, type Html } from '../html.js';
import type { Page, PageFrame } from '../page.js';
import { textsOf } from './enrollment-texts.js';
import type { EnrollmentTexts } from './texts.js';
import { wizardForm, wizardPage, type WizardStep } from './wizard-page.js';

export interface EnrollmentOffer extends WizardStep {
  issuer: string;
  /** Enough of the account for its owner, and of no use to anybody else. */
  accountHint: string;
  purpose: string | null;
  /** RFC 3339. */
  expiresAt: string;
  /** Of a link that asks for a PIN. */
  pin?: PinQuestion | undefined;
}

/** @param triesLeft after a PIN that was wrong */
export interface PinQuestion {
  triesLeft?: number | undefined;
}

/** Who asks, for which account and why. Nothing happens before a person presses the button. */
export function offerPage(frame: PageFrame, offer: EnrollmentOffer): Page {
  const all = textsOf(frame.texts);
  const { offer: texts } = all;
  const { issuer, accountHint, purpose, expiresAt, pin } = offer;
  const body = markup`<p>${texts.asks(issuer)}</p>
<dl>
<dt>${texts.account}</dt><dd translate="no">${accountHint}</dd>
${purpose !== null && markup`<dt>${texts.purpose}</dt><dd>${purpose}</dd>\n`}</dl>
<p>${texts.why}</p>
<p>${texts.need}</p>
<p>${texts.caution(issuer)}</p>
${wizardForm(offer, 'claim', markup`${pin && pinField(all, issuer, pin)}<button type="submit">${texts.button}</button>\n`)}<p class="reference">${texts.once(writeTime(frame.texts, expiresAt))}</p>
`;
  return wizardPage(frame, offer, { title: texts.title, body });
}

/** What was typed is not shown again, nor kept by the browser. */
function pinField({ offer: texts, code }: EnrollmentTexts, issuer: string, { triesLeft }: PinQuestion): Html {
  const isWrong = triesLeft !== undefined;
  const wrong =
    isWrong && markup`<p class="wrong" id="wrong" role="alert">${texts.wrongPin} ${code.left(triesLeft)}</p>\n`;
  const state = isWrong && markup` aria-invalid="true"`;
  return markup`<p id="pin-from">${texts.pinFrom(issuer)}</p>
<label for="pin">${texts.pin}</label>
<input id="pin" name="pin" type="text" inputmode="numeric" autocomplete="off" pattern="[0-9 \\-]{8,11}" maxlength="11" required spellcheck="false" aria-describedby="${isWrong ? 'wrong pin-from' : 'pin-from'}"${state}>
${wrong}`;
}
