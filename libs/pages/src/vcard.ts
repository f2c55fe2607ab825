import type { ContactPage } from '@signet/contracts';
import { escapeText, writeLines } from './content-lines.js';

const phoneTypes = { mobile: 'CELL', work: 'WORK,VOICE', home: 'HOME,VOICE', fax: 'FAX' } as const;

/** How a contact is called. */
export const contactName = ({ firstName, lastName, organisation = '' }: ContactPage): string =>
  [firstName, lastName].filter((name) => name !== undefined).join(' ') || organisation;

/**
 * A contact as phones import it: vCard 3.0 (RFC 2426), which those that read 4.0 read as well, while Outlook and older
 * phones read nothing else.
 */
export function writeVcard(contact: ContactPage): string {
  const { firstName = '', lastName = '', organisation, title, phones = [], emails = [], urls = [], note } = contact;
  const isCompany = firstName === '' && lastName === '';
  return writeLines([
    'BEGIN:VCARD',
    'VERSION:3.0',
    `N:${escapeText(lastName)};${escapeText(firstName)};;;`,
    `FN:${escapeText(contactName(contact))}`,
    ...(organisation === undefined ? [] : [`ORG:${escapeText(organisation)}`]),
    // Apple's, so that a company is not shown as a person without a name.
    ...(isCompany ? ['X-ABShowAs:COMPANY'] : []),
    ...(title === undefined ? [] : [`TITLE:${escapeText(title)}`]),
    ...phones.map(({ number, type }) => `TEL;TYPE=${type === undefined ? 'VOICE' : phoneTypes[type]}:${number}`),
    ...emails.map((email) => `EMAIL;TYPE=INTERNET:${escapeText(email)}`),
    // A URI is no text: it is not escaped (RFC 2426 §3.6.8).
    ...urls.map((url) => `URL:${url}`),
    ...addressLines(contact),
    ...(note === undefined ? [] : [`NOTE:${escapeText(note)}`]),
    'END:VCARD',
  ]);
}

/** RFC 2426 §3.2.1: post office box and extension, which nobody should use, then street to country. */
function addressLines({ address }: ContactPage): string[] {
  if (!address) return [];
  const { street = '', city = '', region = '', postalCode = '', country = '' } = address;
  return [`ADR;TYPE=WORK:;;${[street, city, region, postalCode, country].map(escapeText).join(';')}`];
}
