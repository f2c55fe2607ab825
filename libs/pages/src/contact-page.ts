import type { ContactPage } from '@signet/contracts';
import { downloadButton, type DownloadLink } from './download-button.js';
import { markup, type Html } from './html.js';
import { pictureOf, type Picture } from './links-page.js';
import { renderPage, type Page, type PageFrame } from './page.js';
import { contactName } from './vcard.js';

/** A contact, and the button that puts it into the phone's address book. @param vcard where the `.vcf` is */
export function contactPage(
  frame: PageFrame,
  contact: ContactPage,
  { vcard, picture }: { vcard: DownloadLink; picture?: Picture | undefined },
): Page {
  const name = contactName(contact);
  const { title, organisation } = contact;
  const position = [title, organisation === name ? undefined : organisation].filter((part) => part !== undefined);
  const lead = position.length > 0 ? position.join(' · ') : undefined;
  const body = markup`${lead !== undefined && markup`<p class="soft">${lead}</p>\n`}${downloadButton(vcard, frame.texts.contact.save)}<dl>
${details(frame, contact)}</dl>
`;
  return renderPage({ ...frame, title: name, description: lead, above: picture && pictureOf(picture), body });
}

function details({ texts }: PageFrame, { phones = [], emails = [], urls = [], address, note }: ContactPage): Html[] {
  const { contact: labels } = texts;
  return [
    ...phones.map(({ number, type }) => detail(labels[type ?? 'phone'], link(`tel:${dialled(number)}`, number))),
    ...emails.map((email) => detail(labels.email, link(`mailto:${email}`, email))),
    ...urls.map((url) => detail(labels.website, link(url, url.replace(/^https?:\/\/(www\.)?|\/$/gi, '')))),
    ...(address === undefined
      ? []
      : [detail(labels.address, markup`<span class="lines">${addressText(address)}</span>`)]),
    ...(note === undefined ? [] : [detail(labels.note, markup`<span class="lines">${note}</span>`)]),
  ];
}

const detail = (label: string, value: Html): Html => markup`<dt>${label}</dt><dd>${value}</dd>\n`;

const link = (url: string, text: string): Html => markup`<a href="${url}">${text}</a>`;

/** RFC 3966: what people put between digits means nothing; `(0)` is dialled from within the country only. */
const dialled = (number: string): string => number.replace(/^(\+.*)\(0\)/, '$1').replaceAll(/[^+\d]/g, '');

function addressText({ street, postalCode, city, region, country }: NonNullable<ContactPage['address']>): string {
  const town = [postalCode, city].filter((part) => part !== undefined).join(' ');
  return [street, town, region, country].filter((line) => line !== undefined && line !== '').join('\n');
}
