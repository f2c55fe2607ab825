import { Html, markup } from '../html.js';
import type { Page, PageFrame } from '../page.js';
import { textsOf } from './enrollment-texts.js';
import type { EnrollmentTexts } from './texts.js';
import { copyButton, wizardForm, wizardPage, type WizardStep } from './wizard-page.js';

/** What stands against the code that was sent. */
export interface CodeFailure {
  triesLeft: number;
  /** How wrong the clock of the phone is; negative: it is slow. */
  clockOffSeconds?: number | undefined;
  /** What the app ignores. */
  ignored?: string | undefined;
}

export interface EnrollmentSetup extends WizardStep {
  minutesLeft: number;
  /** Absent: it was shown before. */
  secret?: { otpauthUri: string; secret: string; qrSvg: string; unusual?: string | undefined } | undefined;
  failure?: CodeFailure | undefined;
}

/** Those that people have, by name; what they do with our URI: libs/mfa/src/otpauth.ts. */
const AUTHENTICATOR_APPS = [
  'Google Authenticator',
  'Microsoft Authenticator',
  'Aegis',
  'Ente Auth',
  '2FAS',
  'FreeOTP',
  'LastPass Authenticator',
  'Authy',
  'Bitwarden',
  '1Password',
  'Apple Passwords',
] as const;

/** The secret, once, and the form for the code that proves it; on every later look the form alone. */
export function setupPage(frame: PageFrame, setup: EnrollmentSetup): Page {
  const all = textsOf(frame.texts);
  const { setup: texts, code } = all;
  const { secret, failure, minutesLeft } = setup;
  const above = secret === undefined ? markup`<p>${code.already}</p>\n` : secretOf(all, secret);
  const wrong = failure && markup`<p class="wrong" id="wrong" role="alert">${failureText(all, failure)}</p>\n`;
  const state = failure && markup` aria-invalid="true" aria-describedby="wrong"`;
  const form = wizardForm(
    setup,
    'code',
    markup`<label for="code">${code.label}</label>
<input id="code" name="code" type="text" inputmode="numeric" autocomplete="one-time-code" pattern="[0-9 ]{6,11}" maxlength="11" required spellcheck="false"${state}>
${wrong}<label for="app">${code.app}</label>
<select id="app" name="app">
<option value="">${code.otherApp}</option>
${AUTHENTICATOR_APPS.map((app) => markup`<option>${app}</option>\n`)}</select>
<button type="submit">${code.button}</button>
`,
  );
  const another = wizardForm(
    setup,
    'renew',
    markup`<p class="another">${code.another}</p>
<button type="submit" class="second">${code.renew}</button>
`,
  );
  const body = markup`${above}${form}<p class="reference">${code.minutes(minutesLeft)}</p>
${secret === undefined && another}`;
  return wizardPage(frame, setup, { title: secret === undefined ? code.title : texts.title, body });
}

function secretOf(
  { setup: texts, code }: EnrollmentTexts,
  { otpauthUri, secret, qrSvg, unusual }: NonNullable<EnrollmentSetup['secret']>,
): Html {
  return markup`<p>${texts.once}</p>
${unusual !== undefined && markup`<p>${texts.unusual(unusual)}</p>\n`}<div class="qr" role="img" aria-label="${texts.qr}">${Html.trusted(qrSvg)}</div>
<p class="soft">${texts.onThisPhone}</p>
<p><a class="button second" href="${otpauthUri}">${texts.open}</a></p>
<p class="soft">${texts.type}</p>
<dl>
<dt>${texts.key}</dt><dd><span class="copy" id="key" translate="no">${inFours(secret)}</span></dd>
</dl>
${copyButton('key', texts)}<h2>${code.next}</h2>
`;
}

/** As it is read out and typed; apps ignore the spaces. */
const inFours = (key: string): string => key.replaceAll(/(.{4})(?=.)/g, '$1 ');

function failureText({ code }: EnrollmentTexts, { triesLeft, clockOffSeconds, ignored }: CodeFailure): string {
  const what =
    ignored !== undefined
      ? code.ignored(ignored)
      : clockOffSeconds === undefined
        ? code.wrong
        : clockOffSeconds > 0
          ? code.fast(clockOffSeconds)
          : code.slow(-clockOffSeconds);
  return `${what} ${code.left(triesLeft)}`;
}
