import type { PageTarget } from '@signet/contracts';
import { contactPage } from './contact-page.js';
import type { DownloadLink } from './download-button.js';
import { eventPage } from './event-page.js';
import { writeCalendar } from './icalendar.js';
import { linksPage, type Picture } from './links-page.js';
import type { Page, PageFrame } from './page.js';
import { writeVcard } from './vcard.js';
import { wifiPage } from './wifi-page.js';

export const DOWNLOAD_NAMES = ['contact.vcf', 'event.ics'] as const;
export type DownloadName = (typeof DOWNLOAD_NAMES)[number];

/** The code that shows a page. */
export interface ShownCode {
  target: PageTarget;
  /** What identifies an event in a calendar, and which version of it this is. */
  codeId: string;
  version: number;
  at: Date;
}

export interface TargetPage extends ShownCode {
  /**
   * The code's path, such as `/menu`, below which its downloads are. Absent: they are in the page itself, because the
   * code is protected, and whoever has not been let in must not fetch them.
   */
  path?: string | undefined;
  /** Absent: a page that has a picture is shown without. */
  picture?: Picture | undefined;
}

/** What a code of kind `page` shows. */
export function targetPage(frame: PageFrame, page: TargetPage): Page {
  const { target, picture } = page;
  switch (target.type) {
    case 'links':
      return linksPage(frame, target, picture);
    case 'vcard':
      return contactPage(frame, target, { vcard: linkTo(page, 'contact.vcf'), picture });
    case 'wifi':
      return wifiPage(frame, target);
    case 'event':
      return eventPage(frame, target, { calendar: linkTo(page, 'event.ics') });
  }
}

function linkTo(page: TargetPage, name: DownloadName): DownloadLink {
  if (page.path !== undefined) return { url: `${page.path}/${name}` };
  const { contentType = '', body = '' } = targetDownload(page, name) ?? {};
  const data = Buffer.from(body).toString('base64');
  return { url: `data:${contentType.replace(' ', '')};base64,${data}`, keepAs: name };
}

/** @returns what a phone takes over from a page; undefined when the page has no such thing */
export function targetDownload(
  { target, codeId, version, at }: ShownCode,
  name: DownloadName,
): { contentType: string; body: string } | undefined {
  if (name === 'contact.vcf' && target.type === 'vcard')
    return { contentType: 'text/vcard; charset=utf-8', body: writeVcard(target) };
  if (name === 'event.ics' && target.type === 'event') {
    const body = writeCalendar({ event: target, uid: codeId, sequence: version, at });
    return { contentType: 'text/calendar; charset=utf-8', body };
  }
  return undefined;
}
