import { z } from 'zod';
import { CodeStatusSchema } from './codes.js';
import { hasControlCharacters, InstantSchema, lineSchema } from './primitives.js';
import { CountrySchema, DeviceSchema, LinkTargetSchema, OsSchema, VisitSchema } from './targets.js';

/** As in `Accept-Language`: rules name at most four subtags, phones send more. */
const LanguageSchema = z
  .string()
  .max(35)
  .regex(/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/, 'must be a BCP 47 language tag');

/** A scan that might be. What is left out is not known of it, and matches no rule that asks for it. */
export const ResolveCodeSchema = z
  .strictObject({
    device: DeviceSchema.optional(),
    os: OsSchema.optional(),
    country: CountrySchema.optional(),
    language: z
      .union([LanguageSchema, z.array(LanguageSchema).min(1).max(20)])
      .optional()
      .meta({ description: 'one, or several with the one that is liked best first' }),
    at: InstantSchema.optional().meta({ description: 'absent: now' }),
    visit: VisitSchema.optional(),
    visitor: lineSchema(200)
      .optional()
      .meta({ description: 'any name: a sticky weight keeps the same one on the same side' }),
    draw: z
      .number()
      .min(0)
      .lt(1)
      .optional()
      .meta({ description: 'what weights that are not sticky decide by; absent: drawn anew, and answered' }),
    query: z
      .string()
      .max(2048)
      .refine((text) => !hasControlCharacters(text), 'must not contain control characters')
      .optional()
      .meta({ description: 'of the scan, without the question mark' }),
  })
  .meta({ id: 'ResolveCode' });
export type ResolveCode = z.output<typeof ResolveCodeSchema>;

export const CodeResolutionSchema = z
  .object({
    at: InstantSchema,
    status: CodeStatusSchema.meta({ description: 'at that time, by the uses that have happened until now' }),
    rule: z
      .int()
      .nullable()
      .meta({ description: 'the first that matches, from 0 as in `rules`, whatever the status; null: none' }),
    target: LinkTargetSchema.nullable().meta({ description: 'null: what the code has is shown, and leads nowhere' }),
    url: z.string().nullable().meta({
      description: 'where such a scan is sent, query and all, or of a code that is off: `offUrl`; null: it gets a page',
    }),
    why: z.string(),
    trace: z
      .array(z.object({ rule: z.int(), matched: z.boolean(), why: z.string() }))
      .meta({ description: 'the rules that were asked, up to the one that decided' }),
    draw: z.number().meta({ description: 'send it again for the same answer' }),
  })
  .meta({ id: 'CodeResolution' });
export type CodeResolution = z.output<typeof CodeResolutionSchema>;
