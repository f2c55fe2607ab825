import { PageTargetSchema, type ContactPage } from '@signet/contracts';
import { writeVcard } from './vcard.js';

const contact = (fields: object): ContactPage => {
  const target = PageTargetSchema.parse({ type: 'vcard', ...fields });
  if (target.type !== 'vcard') throw new Error('no contact');
  return target;
};

describe('writeVcard', () => {
  it('writes every field as RFC 2426 has it', () => {
    const card = writeVcard(
      contact({
        firstName: 'Ada',
        lastName: 'Lovelace; née Byron',
        organisation: 'Engines, Ltd',
        title: 'Head',
        phones: [{ number: '+49 30 901820', type: 'work' }, { number: '+49 170 1', type: 'mobile' }, { number: '110' }],
        emails: ['ada@engines.example'],
        urls: ['https://engines.example/a;b,c'],
        address: { street: 'Linden 1', postalCode: '10117', city: 'Berlin', country: 'Germany' },
        note: 'Mon–Thu\nnot on Fridays',
      }),
    );
    expect(card.split('\r\n')).toEqual([
      'BEGIN:VCARD',
      'VERSION:3.0',
      String.raw`N:Lovelace\; née Byron;Ada;;;`,
      String.raw`FN:Ada Lovelace\; née Byron`,
      String.raw`ORG:Engines\, Ltd`,
      'TITLE:Head',
      'TEL;TYPE=WORK,VOICE:+49 30 901820',
      'TEL;TYPE=CELL:+49 170 1',
      'TEL;TYPE=VOICE:110',
      'EMAIL;TYPE=INTERNET:ada@engines.example',
      'URL:https://engines.example/a;b,c',
      'ADR;TYPE=WORK:;;Linden 1;Berlin;;10117;Germany',
      String.raw`NOTE:Mon–Thu\nnot on Fridays`,
      'END:VCARD',
      '',
    ]);
  });

  it('shows a company as one', () => {
    const card = writeVcard(contact({ organisation: 'Nordwind' }));
    expect(card).toContain('N:;;;;\r\nFN:Nordwind\r\nORG:Nordwind\r\nX-ABShowAs:COMPANY\r\n');
  });
});
