import { markup } from './html.js';
import { renderPage, type Page, type PageFrame } from './page.js';

export interface AppPage {
  /** Opens the app where it is installed; does nothing where it is not. */
  deepLink: string;
  /** The phone's store. */
  storeUrl?: string | undefined;
  webUrl?: string | undefined;
}

/** The app, and what to do without it: a browser tells no page whether the app is there, so a person chooses. */
export function appPage(frame: PageFrame, { deepLink, storeUrl, webUrl }: AppPage): Page {
  const { app } = frame.texts;
  const other = (url: string | undefined, label: string) =>
    url !== undefined && markup`<p><a class="button second" href="${url}">${label}</a></p>\n`;
  const body = markup`<p>${app.happened}</p>
<p>${app.todo}</p>
<p><a class="button" href="${deepLink}">${app.open}</a></p>
${other(storeUrl, app.get)}${other(webUrl, app.web)}`;
  return renderPage({ ...frame, title: app.title, body });
}
