import { spawnSync } from 'node:child_process';
import { PageTargetSchema, type PageTarget } from '@signet/contracts';
import { targetDownload, type DownloadName } from './target-page.js';

const READERS: Record<DownloadName, string> = {
  'contact.vcf': `
import json, sys, vobject
card = vobject.readOne(sys.stdin.buffer.read().decode("utf-8"))
card.validate()
address = card.adr.value
print(json.dumps({
  "name": card.fn.value, "family": card.n.value.family, "given": card.n.value.given, "organisation": card.org.value,
  "phones": [[phone.params.get("TYPE"), phone.value] for phone in card.contents["tel"]],
  "email": card.email.value, "url": card.url.value, "note": card.note.value,
  "address": [address.street, address.code, address.city, address.country],
}))
`,
  'event.ics': `
import json, sys
from icalendar import Calendar
calendar = Calendar.from_ical(sys.stdin.buffer.read())
[event] = calendar.walk("VEVENT")
print(json.dumps({
  "errors": [str(error) for error in event.errors + calendar.errors], "uid": str(event["UID"]),
  "summary": str(event["SUMMARY"]), "location": str(event["LOCATION"]), "description": str(event["DESCRIPTION"]),
  "url": str(event["URL"]), "start": event.decoded("DTSTART").isoformat(), "end": event.decoded("DTEND").isoformat(),
}))
`,
};
const environment = { ...process.env, PYTHONPATH: process.env['SIGNET_TEST_PYTHONPATH'] ?? '' };
const python = (script: string, input = '') =>
  spawnSync('python3', ['-c', script], { input, encoding: 'utf8', env: environment });

const hasReaders = python('import icalendar, vobject').status === 0;
const isRequired = process.env['SIGNET_TEST_SERVICES'] === 'required';
const title = 'what phones take over, as others read it';

const describeWithReaders = hasReaders || isRequired ? describe : describe.skip;
const skipped = `${title} (skipped: icalendar and vobject are not installed)`;

describeWithReaders(hasReaders || isRequired ? title : skipped, () => {
  const read = (name: DownloadName, target: PageTarget): unknown => {
    const code = { codeId: '0192f0c1-2b3c-7d4e-8f50-617283940a1b', version: 2, at: new Date('2027-01-01T00:00:00Z') };
    const { status, stdout, stderr } = python(READERS[name], targetDownload({ ...code, target }, name)?.body);
    expect([status, stderr]).toEqual([0, '']);
    return JSON.parse(stdout);
  };
  /** Everything that the formats give a meaning to, in letters of several bytes, longer than a line. */
  const awkward = String.raw`Käse; Brot, Wein \n: “${'長'.repeat(60)}”`;

  it('has the contact whole, in vobject', () => {
    const contact = PageTargetSchema.parse({
      type: 'vcard',
      firstName: 'Ada',
      lastName: 'Lovelace; née, Byron',
      organisation: 'Engines, Ltd; Berlin',
      phones: [
        { number: '+49 30 901820', type: 'work' },
        { number: '+49 170 1', type: 'mobile' },
      ],
      emails: ['ada@engines.example'],
      urls: ['https://engines.example/a;b?d=e'],
      address: { street: 'Linden 1, Hof 2', postalCode: '10117', city: 'Berlin', country: 'Germany' },
      note: `${awkward}\nSecond line`,
    });
    expect(read('contact.vcf', contact)).toEqual({
      name: 'Ada Lovelace; née, Byron',
      family: 'Lovelace; née, Byron',
      given: 'Ada',
      organisation: ['Engines, Ltd; Berlin'],
      phones: [
        [['WORK', 'VOICE'], '+49 30 901820'],
        [['CELL'], '+49 170 1'],
      ],
      email: 'ada@engines.example',
      url: 'https://engines.example/a;b?d=e',
      note: `${awkward}\nSecond line`,
      address: ['Linden 1, Hof 2', '10117', 'Berlin', 'Germany'],
    });
  });

  const event = {
    type: 'event',
    title: awkward,
    start: '2027-03-28T00:30:00+01:00',
    end: '2027-03-28T04:00:00+02:00',
    timeZone: 'Europe/Berlin',
    location: 'Hall 1; Berlin',
    website: 'https://museum.example/a;b,c',
    description: `${awkward}\nSecond line`,
  };
  const told = {
    errors: [],
    uid: '0192f0c1-2b3c-7d4e-8f50-617283940a1b',
    summary: awkward,
    location: 'Hall 1; Berlin',
    description: `${awkward}\nSecond line`,
    url: 'https://museum.example/a;b,c',
  };

  it('has the event whole, in icalendar', () => {
    expect(read('event.ics', PageTargetSchema.parse(event))).toEqual({
      ...told,
      start: '2027-03-27T23:30:00+00:00',
      end: '2027-03-28T02:00:00+00:00',
    });
  });

  it('has whole days as days, in icalendar', () => {
    expect(read('event.ics', PageTargetSchema.parse({ ...event, allDay: true }))).toEqual({
      ...told,
      start: '2027-03-28',
      end: '2027-03-29',
    });
  });
});
