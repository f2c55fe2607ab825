export { appPage, type AppPage } from './app-page.js';
export { checkPage, MAX_CHECKED_LENGTH, type CheckPage } from './check-page.js';
export { claimPage, type ClaimPage } from './claim-page.js';
export { filePage, type FilePage } from './file-page.js';
export { donePage, endPage, type EndedEnrollment } from './enrollment/end-page.js';
export { offerPage, type EnrollmentOffer } from './enrollment/offer-page.js';
export { recoveryPage, type RecoveryCodes } from './enrollment/recovery-page.js';
export { setupPage, type CodeFailure, type EnrollmentSetup } from './enrollment/setup-page.js';
export type { EnrollmentEnd } from './enrollment/texts.js';
export type { WizardStep } from './enrollment/wizard-page.js';
export { escapeHtml, Html, markup } from './html.js';
export { chooseLanguage, languages, writeTime, type Language } from './languages.js';
export type { Picture } from './links-page.js';
export { renderPage, type Page, type PageContent, type PageFrame } from './page.js';
export { headersOf, PRIVATE_HEADERS } from './page-headers.js';
export { passwordPage, type PasswordPage } from './password-page.js';
export { problemPage, problemSign, type ProblemPage } from './problem-page.js';
export type { Sign } from './sign.js';
export { loadPageScripts, type PageScripts } from './scripts.js';
export {
  DOWNLOAD_NAMES,
  targetDownload,
  targetPage,
  type DownloadName,
  type ShownCode,
  type TargetPage,
} from './target-page.js';
export { problemText, type PageProblem, type PageText, type Texts } from './texts.js';
export { verdictPage, type VerdictPage } from './verdict-page.js';
