import { z } from 'zod';
import { hasControlCharacters, InstantSchema, lineSchema, UuidSchema } from './primitives.js';
import { MAX_TARGET_LENGTH, TargetUrlSchema, TimeZoneSchema } from './targets.js';

/** Text of several lines, without other control characters. */
const textSchema = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((text) => !hasControlCharacters(text.replaceAll('\n', ' ')), 'must not contain control characters');

const PhoneNumberSchema = z
  .string()
  .max(40)
  .regex(/^\+?[0-9][0-9 ()./-]{1,38}$/, 'must be a phone number')
  .meta({ examples: ['+49 30 901820'] });

const EmailSchema = z.email().max(254);

/** What a page's link opens beside web pages: the phone's own apps for calls, texts and mail. */
const ContactUrlSchema = z
  .string()
  .max(MAX_TARGET_LENGTH)
  .regex(
    /^(?:(?:tel|sms):\+?[0-9][0-9().-]{1,38}|mailto:[^\s@?&#<>"\\]{1,64}@[A-Za-z0-9.-]{1,253})(?:\?[^\s#<>"\\]*)?$/i,
    'must be a tel:, sms: or mailto: address',
  )
  .refine((text) => !hasControlCharacters(text), 'must not contain control characters')
  .meta({ format: 'uri' });

/** A picture is one of the workspace's files: a page loads nothing from elsewhere, so that nobody else sees its readers. */
const picture = z
  .strictObject({
    fileId: UuidSchema,
    alt: lineSchema(200).optional().meta({ description: 'what it shows, for people who cannot see it' }),
  })
  .optional()
  .meta({ description: 'an image of the workspace’s files' });

export const LinksPageSchema = z
  .strictObject({
    type: z.literal('links'),
    title: lineSchema(200),
    description: textSchema(1000).optional(),
    picture,
    links: z
      .array(z.strictObject({ label: lineSchema(100), url: z.union([TargetUrlSchema, ContactUrlSchema]) }))
      .min(1)
      .max(20),
  })
  .meta({ id: 'LinksPage' });
export type LinksPage = z.output<typeof LinksPageSchema>;

export const ContactPageSchema = z
  .strictObject({
    type: z.literal('vcard'),
    firstName: lineSchema(100).optional(),
    lastName: lineSchema(100).optional(),
    organisation: lineSchema(200).optional(),
    title: lineSchema(200).optional().meta({ description: 'of the person’s position' }),
    phones: z
      .array(z.strictObject({ number: PhoneNumberSchema, type: z.enum(['mobile', 'work', 'home', 'fax']).optional() }))
      .max(10)
      .optional(),
    emails: z.array(EmailSchema).max(10).optional(),
    urls: z.array(TargetUrlSchema).max(10).optional(),
    address: z
      .strictObject({
        street: lineSchema(200).optional(),
        postalCode: lineSchema(20).optional(),
        city: lineSchema(100).optional(),
        region: lineSchema(100).optional(),
        country: lineSchema(100).optional(),
      })
      .refine((address) => Object.keys(address).length > 0, 'must say something')
      .optional(),
    note: textSchema(1000).optional(),
    picture,
  })
  .refine(
    ({ firstName, lastName, organisation }) => (firstName ?? lastName ?? organisation) !== undefined,
    'must have a name: firstName, lastName or organisation',
  )
  .meta({ id: 'ContactPage' });
export type ContactPage = z.output<typeof ContactPageSchema>;

const SSID_BYTES = 32;
const utf8 = new TextEncoder();

export const WifiPageSchema = z
  .strictObject({
    type: z.literal('wifi'),
    ssid: lineSchema(SSID_BYTES).refine(
      (ssid) => utf8.encode(ssid).length <= SSID_BYTES,
      `must be at most ${SSID_BYTES} bytes`,
    ),
    security: z.enum(['WPA', 'WEP', 'nopass']).default('WPA').meta({ description: 'WPA is WPA2 and WPA3, too' }),
    password: lineSchema(63).optional().meta({ description: 'everybody who opens the code reads it' }),
    hidden: z.boolean().optional().meta({ description: 'whether the network does not tell its name' }),
  })
  .refine(({ security, password }) => (security === 'nopass') === (password === undefined), {
    path: ['password'],
    message: 'must be there, unless security is nopass',
  })
  .refine(({ security, password = '' }) => security !== 'WPA' || password.length >= 8, {
    path: ['password'],
    message: 'must have 8 to 63 characters',
  })
  .meta({ id: 'WifiPage' });
export type WifiPage = z.output<typeof WifiPageSchema>;

export const EventPageSchema = z
  .strictObject({
    type: z.literal('event'),
    title: lineSchema(200),
    start: InstantSchema,
    end: InstantSchema.meta({ description: 'of an event of whole days: any moment of the last one' }),
    timeZone: TimeZoneSchema.meta({ description: 'in which the page names the times, and days begin' }),
    allDay: z.boolean().optional(),
    location: lineSchema(300).optional(),
    website: TargetUrlSchema.optional(),
    description: textSchema(2000).optional(),
  })
  .refine(({ start, end, allDay }) => (allDay === true ? end >= start : end > start), {
    path: ['end'],
    message: 'must be after start',
  })
  .meta({ id: 'EventPage' });
export type EventPage = z.output<typeof EventPageSchema>;

/** So that the page stays under 30 KB; one that is protected carries its download in itself, and so has less room. */
const MAX_LINKS_BYTES = 16_000;
const MAX_PAGE_BYTES = 8000;
const maxBytesOf = ({ type }: { type: string }): number => (type === 'links' ? MAX_LINKS_BYTES : MAX_PAGE_BYTES);

/** What a code of kind `page` shows. */
export const PageTargetSchema = z
  .discriminatedUnion('type', [LinksPageSchema, ContactPageSchema, WifiPageSchema, EventPageSchema])
  .refine((target) => utf8.encode(JSON.stringify(target)).length <= maxBytesOf(target), {
    message: `must be at most ${MAX_LINKS_BYTES} bytes in all, or ${MAX_PAGE_BYTES} without links`,
  })
  .meta({ id: 'PageTarget' });
export type PageTarget = z.output<typeof PageTargetSchema>;
