import { markup, type Html } from './html.js';

/** What a phone takes over from a page. */
export interface DownloadLink {
  url: string;
  /** Of a `data:` URL, which browsers only keep, under this name. */
  keepAs?: string | undefined;
}

export const downloadButton = ({ url, keepAs }: DownloadLink, label: string): Html =>
  markup`<p><a class="button" href="${url}"${keepAs !== undefined && markup` download="${keepAs}"`}>${label}</a></p>\n`;
