import type { LinksPage } from '@signet/contracts';
import { Html, markup } from './html.js';
import { renderPage, type Page, type PageFrame } from './page.js';

/** The picture of a page, at a path of our own origin. */
export interface Picture {
  url: string;
  alt?: string | undefined;
}

export const pictureOf = ({ url, alt = '' }: Picture): Html =>
  markup`<img class="picture" src="${url}" alt="${alt}">\n`;

/** A title and the links that belong to it ("link in bio"). */
export function linksPage(frame: PageFrame, { title, description, links }: LinksPage, picture?: Picture): Page {
  const items = links.map(({ label, url }) => markup`<li><a class="button" href="${url}">${label}</a></li>\n`);
  const body = markup`${description !== undefined && markup`<p class="soft lines">${description}</p>\n`}<ul class="links">
${items}</ul>
`;
  return renderPage({
    ...frame,
    title,
    description,
    above: picture && pictureOf(picture),
    body,
    layout: 'centred',
  });
}
