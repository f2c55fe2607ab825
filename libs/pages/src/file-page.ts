import { markup } from './html.js';
import { renderPage, type Page, type PageFrame } from './page.js';
import type { FileKind, Texts } from './texts.js';

export interface FilePage {
  name: string;
  /** Such as `application/pdf`. */
  contentType: string;
  bytes: number;
  /** Where its content is. */
  url: string;
  /** `inline`: the browser shows it; `attachment`: it is kept. */
  disposition: 'inline' | 'attachment';
}

/** What a file is before it is fetched, which may cost its reader something. */
export function filePage(frame: PageFrame, { name, contentType, bytes, url, disposition }: FilePage): Page {
  const { file } = frame.texts;
  const facts = `${file.kinds[fileKind(contentType)]} · ${writeSize(frame.texts, bytes)}`;
  const body = markup`<p class="soft">${facts}</p>
<p><a class="button" href="${url}">${disposition === 'inline' ? file.open : file.download}</a></p>
`;
  return renderPage({ ...frame, title: name, description: facts, body });
}

function fileKind(contentType: string): FileKind {
  const type = contentType.toLowerCase();
  if (type.startsWith('application/pdf')) return 'pdf';
  const kind = (['image', 'audio', 'video', 'text'] as const).find((family) => type.startsWith(`${family}/`));
  return kind ?? 'other';
}

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const;

/** @returns a size in decimal units, as phones show it, such as `2.4 MB` */
function writeSize({ language }: Texts, bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  const format = new Intl.NumberFormat(language, {
    style: 'unit',
    unit: UNITS[power],
    unitDisplay: power === 0 ? 'long' : 'short',
    maximumFractionDigits: 1,
  });
  return format.format(bytes / 1000 ** power);
}
