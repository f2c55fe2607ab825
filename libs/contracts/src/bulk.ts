import { z } from 'zod';
import { CodeFilterSchema } from './code-search.js';
import { CodeKindSchema, CodeSchema, CodeVersionSchema, PropagationSchema, UpdateCodeSchema } from './codes.js';
import { DomainHostSchema } from './domains.js';
import { lineSchema, ReasonSchema, UuidSchema } from './primitives.js';
import { ProblemSchema } from './problems.js';

/** Of one upload, and of one call for codes by filter, unless a quota says less. */
export const MAX_BULK_ROWS = 100_000;
/** Rows of an atomic upload that change codes which are there: each keeps others from its code until the end. */
export const MAX_ATOMIC_CHANGES = 1000;
const MAX_IDS = 10_000;

export const BULK_TYPES = ['application/x-ndjson', 'text/csv'] as const;
export type BulkType = (typeof BULK_TYPES)[number];

/** Whose rows they are: Signet's own, or those of an export. */
export const BULK_FORMATS = ['signet', 'shlink', 'kutt', 'yourls', 'bitly'] as const;
export type BulkFormat = (typeof BULK_FORMATS)[number];

const dryRun = z.stringbool().default(false).meta({ description: 'says what would happen, and does nothing' });

export const BulkQuerySchema = z.strictObject({
  format: z.enum(BULK_FORMATS).default('signet').meta({ description: 'whose export the rows are' }),
  atomic: z.stringbool().default(false).meta({ description: 'all rows or none: 422 when any is refused' }),
  domain: DomainHostSchema.optional().meta({ description: 'on which codes are issued, whatever their rows say' }),
  dryRun,
});
export type BulkQuery = z.output<typeof BulkQuerySchema>;

const tags = z.array(lineSchema(50)).min(1).max(50);
const retag = {
  addTags: tags.optional().meta({ description: 'beside those that the code has' }),
  removeTags: tags.optional().meta({ description: 'which it need not have' }),
};

export const BULK_ACTIONS = ['update', 'pause', 'resume', 'revoke', 'archive'] as const;

/** What a row for a code that is there says besides the fields of `UpdateCode`. A row without `id` issues a code. */
export const BulkChangeSchema = z
  .object({
    id: UuidSchema,
    action: z.enum(BULK_ACTIONS).default('update'),
    reason: ReasonSchema.optional().meta({ description: 'of `revoke`' }),
    ifVersion: z.int().min(1).optional().meta({ description: 'refused when the code is at another version' }),
    // What never changes may be said, as an export says it, and must then be so.
    kind: CodeKindSchema.optional(),
    slug: z.string().optional(),
    domain: z.string().nullable().optional(),
    importedScans: z.int().optional(),
    ...retag,
  })
  .meta({ id: 'BulkChange' });
export type BulkChange = z.output<typeof BulkChangeSchema>;

export const BULK_STATUSES = [
  'created',
  'updated',
  'paused',
  'resumed',
  'revoked',
  'archived',
  'unchanged',
  'error',
] as const;

/** A line of the answer to an upload. */
export const BulkResultSchema = z
  .object({
    index: z.int().meta({ description: 'of the row, from 0; blank lines and the header of a CSV are none' }),
    status: z.enum(BULK_STATUSES),
    code: CodeSchema.optional().meta({ description: 'not in a dry run' }),
    changes: CodeVersionSchema.shape.changes.optional().meta({ description: 'of a dry run: what would change' }),
    problem: ProblemSchema.optional(),
  })
  .meta({ id: 'BulkResult' });
export type BulkResult = z.output<typeof BulkResultSchema>;

const selection = {
  ids: z.array(UuidSchema).min(1).max(MAX_IDS).optional(),
  filter: CodeFilterSchema.refine((filter) => Object.keys(filter).length > 0, 'must have a condition').optional(),
};
const hasOne = ({ ids, filter }: { ids?: unknown; filter?: unknown }): boolean =>
  (ids === undefined) !== (filter === undefined);
const ONE_OF = { path: ['filter'], message: 'must be given, or ids, not both' };

export const BulkSelectionQuerySchema = z.strictObject({ dryRun });

export const BulkRevokeSchema = z
  .strictObject({ ...selection, reason: ReasonSchema })
  .refine(hasOne, ONE_OF)
  .meta({ id: 'BulkRevoke' });
export type BulkRevoke = z.output<typeof BulkRevokeSchema>;

export const BulkUpdateSchema = z
  .strictObject({ ...selection, set: UpdateCodeSchema.optional(), ...retag })
  .refine(hasOne, ONE_OF)
  .refine(
    ({ set, addTags, removeTags }) => (set ?? addTags ?? removeTags) !== undefined,
    'must change something: set, addTags or removeTags',
  )
  .meta({ id: 'BulkUpdate' });
export type BulkUpdate = z.output<typeof BulkUpdateSchema>;
/** Which codes: ids, or whatever matches. */
export type BulkSelection = Pick<BulkUpdate, 'ids' | 'filter'>;

const outcome = {
  matched: z.int().meta({ description: 'codes that were found' }),
  unchanged: z.int().meta({ description: 'codes that are so already' }),
  failed: z.int().meta({ description: 'codes that were refused, and ids of none' }),
  errors: z.array(z.object({ id: UuidSchema, problem: ProblemSchema })).meta({ description: 'the first 100 of them' }),
  propagation: PropagationSchema,
};
export const BulkRevokedSchema = z.object({ revoked: z.int(), ...outcome }).meta({ id: 'BulkRevoked' });
export type BulkRevoked = z.output<typeof BulkRevokedSchema>;
export const BulkUpdatedSchema = z.object({ updated: z.int(), ...outcome }).meta({ id: 'BulkUpdated' });
export type BulkUpdated = z.output<typeof BulkUpdatedSchema>;
