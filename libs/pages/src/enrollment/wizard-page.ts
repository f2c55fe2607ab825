import { markup, type Html } from '../html.js';
import { renderPage, type Page, type PageFrame } from '../page.js';

/** A form of an enrollment's page, and the script that helps with it. */
export interface WizardStep {
  /** The one address of the enrollment, from the first look to the end. */
  path: string;
  /** Proves that the form was ours; absent before the claim. */
  formToken?: string | undefined;
  /** Path of the script that copies and prints; the pages work without it. */
  script: string;
}

const STYLE = `
.copy{letter-spacing:.05em}
.second{border-color:var(--soft);background:transparent;color:var(--text)}
.another{margin-top:1.75rem;padding-top:.5rem;border-top:1px solid var(--line)}
.codes{columns:2;margin:1rem 0;padding-left:2rem;font:1rem/1.7 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.codes li{margin:0;break-inside:avoid}
.tick{display:flex;align-items:center;gap:.75rem;margin-top:1.5rem}
.tick input{flex:none;width:1.5rem;min-height:1.5rem}
#code,#pin{font-size:1.5rem;letter-spacing:.15em}
@media (max-width:24rem){.codes{columns:1}}
@media print{button,.button,form,footer,.screen{display:none!important}main{border:0}}
`;

export const wizardPage = (frame: PageFrame, { script }: WizardStep, content: { title: string; body: Html }): Page =>
  renderPage({ ...frame, ...content, style: STYLE, scripts: [script], policy: ["form-action 'self'"] });

/** @param step what the form asks for, which the server knows by this name */
export const wizardForm = (
  { path, formToken }: WizardStep,
  step: string,
  fields: Html,
): Html => markup`<form method="post" action="${path}">
<input type="hidden" name="step" value="${step}">
${formToken !== undefined && markup`<input type="hidden" name="formToken" value="${formToken}">\n`}${fields}</form>
`;

/** Shown by the script, without which it could do nothing. @param of the id of what is copied */
export const copyButton = (of: string, { copy, copied }: { copy: string; copied: string }): Html =>
  markup`<button type="button" class="second" hidden data-copy="${of}" data-copied="${copied}">${copy}</button>\n`;
