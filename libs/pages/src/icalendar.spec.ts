import { PageTargetSchema, type EventPage } from '@signet/contracts';
import { writeCalendar } from './icalendar.js';

const evening = {
  type: 'event',
  title: 'Opening; drinks',
  start: '2027-03-01T19:00:00+01:00',
  end: '2027-03-01T22:00:00+01:00',
  timeZone: 'Europe/Berlin',
};
const write = (fields: object): string[] => {
  const event: EventPage = PageTargetSchema.parse({ ...evening, ...fields }) as EventPage;
  return writeCalendar({ event, uid: 'code-1', sequence: 3, at: new Date('2027-01-01T00:00:00.123Z') }).split('\r\n');
};

describe('writeCalendar', () => {
  it('writes every field as RFC 5545 has it, times in UTC', () => {
    expect(write({ location: 'Hall 1, Berlin', website: 'https://a.example/x,y', description: 'One\nTwo' })).toEqual([
      'BEGIN:VCALENDAR',
      'VERSION:2.0',
      'PRODID:-//Signet//Signet//EN',
      'BEGIN:VEVENT',
      'UID:code-1',
      'SEQUENCE:3',
      'DTSTAMP:20270101T000000Z',
      'DTSTART:20270301T180000Z',
      'DTEND:20270301T210000Z',
      String.raw`SUMMARY:Opening\; drinks`,
      String.raw`LOCATION:Hall 1\, Berlin`,
      'URL:https://a.example/x,y',
      String.raw`DESCRIPTION:One\nTwo`,
      'END:VEVENT',
      'END:VCALENDAR',
      '',
    ]);
  });

  it('writes whole days as those of the event’s zone, over its change of clocks, too', () => {
    const days = write({ allDay: true, start: '2027-03-26T23:30:00Z', end: '2027-03-28T21:30:00Z' });
    expect(days).toContain('DTSTART;VALUE=DATE:20270327');
    expect(days).toContain('DTEND;VALUE=DATE:20270329');
  });

  it('writes one whole day as one', () => {
    const day = write({ allDay: true, end: evening.start });
    expect(day).toContain('DTSTART;VALUE=DATE:20270301');
    expect(day).toContain('DTEND;VALUE=DATE:20270302');
  });
});
