import { z } from 'zod';

/** As `toISOString` writes it, which is how our own events say it: the schema has looked at the digits before. */
const CANONICAL = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** @returns the instant as `Date.prototype.toISOString` writes it; what is none (RFC 3339 allows second 60) as it came */
function inUtc(text: string): string {
  if (CANONICAL.test(text)) return text;
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? text : at.toISOString();
}

/** RFC 3339 in UTC with milliseconds, of the years that RFC 3339 and PostgreSQL both have. */
export const InstantSchema = z.iso
  .datetime({ offset: true, abort: true })
  .overwrite(inUtc)
  .refine(
    (text) => /^(?!0000)\d{4}-.*Z$/.test(text) && !Number.isNaN(Date.parse(text)),
    'must be a time between the years 1 and 9999',
  )
  .meta({ description: 'RFC 3339; answered in UTC with milliseconds' });

export const UuidSchema = z.uuid();

/**
 * Text of people: no control characters (C0, DEL, C1), nothing that breaks a log line or a header; and no lone
 * surrogates, which are no characters and which PostgreSQL's jsonb refuses.
 */
// oxlint-disable-next-line no-control-regex -- refusing control characters is the purpose
export const hasControlCharacters = (text: string): boolean => /[\u0000-\u001f\u007f-\u009f]|\p{Cs}/u.test(text);

export const lineSchema = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((text) => !hasControlCharacters(text), 'must not contain control characters');

export const ReasonSchema = lineSchema(500);

export const PageQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(1000).optional(),
});

export const pageSchema = <Item extends z.ZodType>(item: Item) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() });
