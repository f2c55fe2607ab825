import { markup } from './html.js';
import { renderPage, type Page, type PageFrame } from './page.js';

export interface PasswordPage {
  slug: string;
  /** Of a code that is limited, too: so that a repetition is no second use. */
  nonce?: string | undefined;
  /** Whether a password has just been refused. How many tries are left is not told: it would help only a guesser. */
  isWrong: boolean;
}

/** One form, with one field. */
export function passwordPage(frame: PageFrame, { slug, nonce, isWrong }: PasswordPage): Page {
  const { password: texts } = frame.texts;
  const refusal = isWrong && markup`<p class="wrong" id="wrong" role="alert">${texts.wrong}</p>\n`;
  const state = isWrong && markup` aria-invalid="true" aria-describedby="wrong"`;
  const body = markup`<p>${texts.happened}</p>
${!isWrong && markup`<p>${texts.todo}</p>\n`}<form method="post" action="/${encodeURIComponent(slug)}/claim">
${nonce !== undefined && markup`<input type="hidden" name="nonce" value="${nonce}">\n`}<label for="password">${texts.label}</label>
<input id="password" name="password" type="password" required maxlength="128" autocomplete="off" autocapitalize="none" spellcheck="false"${state}>
${refusal}<button type="submit">${texts.button}</button>
</form>
`;
  return renderPage({ ...frame, title: texts.title, description: texts.happened, body });
}
