import type { EventPage } from '@signet/contracts';
import { downloadButton, type DownloadLink } from './download-button.js';
import { markup, type Html } from './html.js';
import { renderPage, type Page, type PageFrame } from './page.js';

/** An event with the button that puts it into the phone's calendar. @param calendar where the `.ics` is */
export function eventPage(frame: PageFrame, event: EventPage, { calendar }: { calendar: DownloadLink }): Page {
  const { event: texts, language } = frame.texts;
  const { title, location, website, description } = event;
  const when = writePeriod(language, event);
  const details: Html[] = [
    markup`<dt>${texts.when}</dt><dd><time datetime="${event.start}">${when}</time></dd>\n`,
    ...(location === undefined ? [] : [markup`<dt>${texts.where}</dt><dd>${location}</dd>\n`]),
    ...(website === undefined
      ? []
      : [markup`<dt>${texts.website}</dt><dd><a href="${website}">${new URL(website).hostname}</a></dd>\n`]),
  ];
  const body = markup`<dl>
${details}</dl>
${description !== undefined && markup`<p class="lines">${description}</p>\n`}${downloadButton(calendar, texts.save)}`;
  return renderPage({ ...frame, title, description: when, body });
}

/** @returns from when to when, as the language writes it, in the event's own zone, which is named with times of day */
function writePeriod(language: string, { start, end, timeZone, allDay }: EventPage): string {
  const day = { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' } as const;
  const time = { hour: 'numeric', minute: '2-digit', timeZoneName: 'short' } as const;
  const format = new Intl.DateTimeFormat(language, { timeZone, ...day, ...(allDay === true ? {} : time) });
  return format.formatRange(new Date(start), new Date(end));
}
