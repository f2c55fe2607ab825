import { markup } from '../html.js';
import type { Page, PageFrame } from '../page.js';
import { textsOf } from './enrollment-texts.js';
import type { EnrollmentEnd } from './texts.js';
import { wizardForm, wizardPage, type WizardStep } from './wizard-page.js';

export interface EndedEnrollment extends WizardStep {
  end: EnrollmentEnd;
  /** The issuer was told that somebody else may have claimed it. */
  isTold?: boolean;
  requestId: string;
}

/** Why it does not go on, and what to do; for a link that somebody has claimed, with the way to say that it was not me. */
export function endPage(frame: PageFrame, ended: EndedEnrollment): Page {
  const { ends, notMe, told } = textsOf(frame.texts);
  const { title, happened, todo } = ends[ended.end];
  const { isTold = false } = ended;
  const report = wizardForm(ended, 'claim', markup`<button type="submit" class="second">${notMe}</button>\n`);
  const body = markup`<p>${happened}</p>
<p>${todo}</p>
${isTold && markup`<p class="issuer" role="status">${told}</p>\n`}${ended.end === 'used' && !isTold && report}<p class="reference">${frame.texts.reference(ended.requestId)}</p>
`;
  return wizardPage(frame, ended, { title, body });
}

/** The second step is active, and its recovery codes are saved. */
export function donePage(frame: PageFrame, page: WizardStep & { issuer: string }): Page {
  const { done } = textsOf(frame.texts);
  const body = markup`<p>${done.happened(page.issuer)}</p>
<p>${done.todo}</p>
`;
  return wizardPage(frame, page, { title: done.title, body });
}
