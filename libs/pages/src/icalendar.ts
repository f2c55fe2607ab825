import type { EventPage } from '@signet/contracts';
import { escapeText, writeLines } from './content-lines.js';

export interface CalendarEntry {
  event: EventPage;
  /** The same for every version of an event, so that a calendar replaces what it has of it. */
  uid: string;
  /** Which version this is. */
  sequence: number;
  at: Date;
}

/**
 * An event as calendars import it (RFC 5545). Times are in UTC, which needs no VTIMEZONE: a single event is a moment,
 * and the calendar shows it in its owner's zone.
 */
export function writeCalendar({ event, uid, sequence, at }: CalendarEntry): string {
  const { title, location, website, description } = event;
  return writeLines([
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Signet//Signet//EN',
    'BEGIN:VEVENT',
    `UID:${escapeText(uid)}`,
    `SEQUENCE:${sequence}`,
    `DTSTAMP:${basicTime(at.toISOString())}`,
    ...timeLines(event),
    `SUMMARY:${escapeText(title)}`,
    ...(location === undefined ? [] : [`LOCATION:${escapeText(location)}`]),
    ...(website === undefined ? [] : [`URL:${website}`]),
    ...(description === undefined ? [] : [`DESCRIPTION:${escapeText(description)}`]),
    'END:VEVENT',
    'END:VCALENDAR',
  ]);
}

function timeLines({ start, end, timeZone, allDay }: EventPage): string[] {
  if (allDay !== true) return [`DTSTART:${basicTime(start)}`, `DTEND:${basicTime(end)}`];
  const first = dayIn(timeZone, start);
  // RFC 5545 §3.6.1: the end is the first day that is no longer part of it.
  const after = new Date(Date.parse(dayIn(timeZone, end)) + 86_400_000).toISOString().slice(0, 10);
  return [`DTSTART;VALUE=DATE:${first.replaceAll('-', '')}`, `DTEND;VALUE=DATE:${after.replaceAll('-', '')}`];
}

/** RFC 5545 §3.3.5, form 2. @param instant as `toISOString` writes it */
const basicTime = (instant: string): string => instant.replaceAll(/[-:]|\.\d+/g, '');

/** @returns the day of a moment in a zone, as `2027-03-01` */
const dayIn = (timeZone: string, instant: string): string =>
  new Intl.DateTimeFormat('sv-SE', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(
    new Date(instant),
  );
