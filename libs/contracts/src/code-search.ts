import { z } from 'zod';
import { CODE_STATUSES, CodeKindSchema, CodeSchema, CodeStatusSchema } from './codes.js';
import { DomainHostSchema } from './domains.js';
import { InstantSchema, lineSchema, PageQuerySchema, pageSchema, UuidSchema } from './primitives.js';

const MAX_TAGS = 10;
const tag = lineSchema(50);

const filterFields = {
  q: lineSchema(200)
    .refine((text) => /[\p{L}\p{N}]/u.test(text), 'must have a letter or a digit')
    .optional()
    .meta({
      description:
        'text in the title, the slug or the target, in any case; one or two characters are looked for at the beginning of words',
    }),
  tag: z
    .union([tag, z.array(tag).min(1).max(MAX_TAGS)])
    .optional()
    .meta({ description: `may be repeated, up to ${MAX_TAGS} times: the code has all of them` }),
  folder: lineSchema(200)
    .optional()
    .meta({ description: 'with the folders below it: `Shop` finds `Shop/Winter`, too' }),
  campaign: lineSchema(200).optional(),
  owner: lineSchema(200).optional(),
  status: CodeStatusSchema.optional().meta({ description: 'without it, archived codes are left out' }),
  kind: CodeKindSchema.optional(),
  domain: DomainHostSchema.optional().meta({ description: 'the host of a short domain' }),
  hasPassword: z.union([z.boolean(), z.stringbool()]).optional(),
  expiresBefore: InstantSchema.optional(),
  createdFrom: InstantSchema.optional(),
  createdTo: InstantSchema.optional().meta({ description: 'exclusive' }),
};

/** Which codes: each field that is given must hold. */
export const CodeFilterSchema = z.strictObject(filterFields).meta({ id: 'CodeFilter' });
export type CodeFilter = z.output<typeof CodeFilterSchema>;

export const CODE_SORTS = [
  'createdAt',
  '-createdAt',
  'updatedAt',
  '-updatedAt',
  'title',
  '-title',
  'expiresAt',
] as const;
const sort = z.enum(CODE_SORTS).optional().meta({
  description: '`-`: descending; default `-createdAt`. By title in any case; codes that never expire are last',
});
export type CodeSort = (typeof CODE_SORTS)[number];

export const ListCodesQuerySchema = PageQuerySchema.extend({
  ...filterFields,
  sort,
  filter: UuidSchema.optional().meta({ description: 'a saved filter; what is said beside it goes before it' }),
  count: z.stringbool().optional().meta({ description: 'whether to count what is found, up to 10,000' }),
});
export type ListCodesQuery = z.output<typeof ListCodesQuerySchema>;

/** How many there are. Counting ends where nobody would read on. */
export const CountSchema = z
  .object({
    value: z.int(),
    isExact: z.boolean().meta({ description: 'false: there are more' }),
  })
  .meta({ id: 'Count' });
export type Count = z.output<typeof CountSchema>;

export const CodePageSchema = pageSchema(CodeSchema).extend({ count: CountSchema.optional() });
export type CodePage = z.output<typeof CodePageSchema>;

/** A view that people come back to. */
const SavedQuerySchema = z.strictObject({ ...filterFields, sort });
export const CreateSavedFilterSchema = z
  .strictObject({ name: lineSchema(100), query: SavedQuerySchema })
  .meta({ id: 'CreateSavedFilter' });
export const UpdateSavedFilterSchema = CreateSavedFilterSchema.partial()
  .refine((body) => Object.keys(body).length > 0, 'must change something')
  .meta({ id: 'UpdateSavedFilter' });
/** Of a workspace. */
export const MAX_SAVED_FILTERS = 500;
export type SavedQuery = z.output<typeof SavedQuerySchema>;

/** As it was saved; times as strings, which the query takes as they are. */
export const SavedFilterSchema = z
  .object({
    id: UuidSchema,
    name: z.string(),
    query: z.object({
      q: z.string().optional(),
      tag: z.union([z.string(), z.array(z.string())]).optional(),
      folder: z.string().optional(),
      campaign: z.string().optional(),
      owner: z.string().optional(),
      status: z.enum(CODE_STATUSES).optional(),
      kind: CodeKindSchema.optional(),
      domain: z.string().optional(),
      hasPassword: z.boolean().optional(),
      expiresBefore: z.string().optional(),
      createdFrom: z.string().optional(),
      createdTo: z.string().optional(),
      sort,
    }),
    version: z.int(),
    createdAt: InstantSchema,
    updatedAt: InstantSchema,
    createdBy: z.string(),
  })
  .meta({ id: 'SavedFilter' });
export type SavedFilter = z.output<typeof SavedFilterSchema>;
export const SavedFilterPageSchema = pageSchema(SavedFilterSchema);

/** What codes are sorted into, each with how many codes, archived ones apart, are in it. */
export const LabelSchema = z.object({ name: z.string(), codes: z.int() }).meta({ id: 'Label' });
export const LabelPageSchema = pageSchema(LabelSchema);
export type LabelPage = z.output<typeof LabelPageSchema>;
export const ListLabelsQuerySchema = PageQuerySchema.extend({
  q: lineSchema(200).optional().meta({ description: 'what the name begins with, in any case' }),
});
export type ListLabelsQuery = z.output<typeof ListLabelsQuerySchema>;
