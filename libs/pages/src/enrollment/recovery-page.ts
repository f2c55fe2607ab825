import { markup, type Html } from '../html.js';
import type { Page, PageFrame } from '../page.js';
import { textsOf } from './enrollment-texts.js';
import type { EnrollmentTexts } from './texts.js';
import { copyButton, wizardForm, wizardPage, type WizardStep } from './wizard-page.js';

export interface RecoveryCodes extends WizardStep {
  issuer: string;
  /** Absent: they were shown before. */
  codes?: readonly string[] | undefined;
  /** Somebody tried to finish without saying that they are saved. */
  isUnsaved?: boolean;
}

/** The recovery codes, once, to be taken along in whichever way; nobody finishes without saying that they did. */
export function recoveryPage(frame: PageFrame, page: RecoveryCodes): Page {
  const all = textsOf(frame.texts);
  const { recovery: texts } = all;
  const { codes, isUnsaved = false } = page;
  const above = codes === undefined ? markup`<p>${texts.already}</p>\n` : codesOf(all, codes, page.issuer);
  const wrong = isUnsaved && markup`<p class="wrong" id="wrong" role="alert">${texts.mustSave}</p>\n`;
  const state = isUnsaved && markup` aria-invalid="true" aria-describedby="wrong"`;
  const form = wizardForm(
    page,
    'finish',
    markup`<label class="tick" for="saved"><input id="saved" name="saved" type="checkbox" value="yes" required${state}> ${texts.saved}</label>
${wrong}<button type="submit">${texts.button}</button>
`,
  );
  const another = wizardForm(
    page,
    'recovery-codes',
    markup`<p class="another">${texts.another}</p>
<button type="submit" class="second">${texts.renew}</button>
`,
  );
  const body = markup`<p>${texts.active}</p>
${above}${form}${codes === undefined && another}`;
  return wizardPage(frame, page, { title: texts.title, body });
}

function codesOf({ recovery: texts, setup }: EnrollmentTexts, codes: readonly string[], issuer: string): Html {
  const file = Buffer.from(`${issuer}\r\n\r\n${codes.join('\r\n')}\r\n`).toString('base64');
  return markup`<p>${texts.keep}</p>
<ol class="codes" id="codes" translate="no">
${codes.map((code) => markup`<li>${code}</li>\n`)}</ol>
${copyButton('codes', { copy: texts.copy, copied: setup.copied })}<p class="screen"><a class="button second" href="data:text/plain;charset=utf-8;base64,${file}" download="recovery-codes.txt">${texts.download}</a></p>
<button type="button" class="second" hidden data-print>${texts.print}</button>
`;
}
