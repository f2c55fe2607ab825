import { z } from 'zod';

/** RFC 3339 in UTC with milliseconds, as `Date.prototype.toISOString` writes it. */
export const InstantSchema = z.iso
  .datetime({ offset: true })
  .overwrite((text) => new Date(text).toISOString())
  .meta({ description: 'RFC 3339; answered in UTC with milliseconds' });

export const UuidSchema = z.uuid();

/** Text of people: no control characters (C0, DEL, C1), nothing that breaks a log line or a header. */
// oxlint-disable-next-line no-control-regex -- refusing control characters is the purpose
export const hasControlCharacters = (text: string): boolean => /[\u0000-\u001f\u007f-\u009f]/.test(text);

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
