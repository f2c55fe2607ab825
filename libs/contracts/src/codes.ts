import { z } from 'zod';
import {
  hasControlCharacters,
  InstantSchema,
  lineSchema,
  PageQuerySchema,
  pageSchema,
  ReasonSchema,
  UuidSchema,
} from './primitives.js';

export const CODE_KINDS = ['link', 'app', 'page', 'file', 'enrollment', 'signin', 'sealed'] as const;
export const CODE_STATUSES = ['active', 'scheduled', 'paused', 'expired', 'exhausted', 'revoked', 'archived'] as const;
export const CodeKindSchema = z.enum(CODE_KINDS);
export const CodeStatusSchema = z.enum(CODE_STATUSES);
export type CodeKind = z.infer<typeof CodeKindSchema>;
export type CodeStatus = z.infer<typeof CodeStatusSchema>;

/** Whether a change has reached every redirect before the call returned (`effective`) or will by the repair loop. */
export const PropagationSchema = z.enum(['effective', 'pending']);
export type Propagation = z.infer<typeof PropagationSchema>;

/**
 * First segments of paths that the product itself answers, so that no slug may shadow them.
 * Compared case-insensitively.
 */
export const RESERVED_SLUGS: ReadonlySet<string> = new Set([
  'v1',
  'docs',
  'healthz',
  'readyz',
  'metrics',
  'check',
  'enroll',
  'signin',
  'claim',
  'console',
  'assets',
  'static',
  'admin',
  'api',
  'app',
  'login',
  'logout',
  'signet',
  'status',
  'health',
]);

export const SlugSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{2,64}$/, 'must be 2 to 64 of A–Z, a–z, 0–9, _ and -')
  .meta({ description: 'The path of the short URL; random when absent' });

/** Length in characters; a longer URL does not fit a `Location` header everywhere. */
export const MAX_TARGET_LENGTH = 4096;

export const TargetUrlSchema = z
  .string()
  .max(MAX_TARGET_LENGTH)
  .refine((text) => !hasControlCharacters(text), 'must not contain control characters')
  .refine((text) => !/[\s\\]/.test(text), 'must not contain white space or backslashes')
  .refine((text) => /^https?:\/\/[^/?#]/i.test(text) && URL.canParse(text), 'must be an absolute http or https URL')
  .refine((text) => {
    if (!URL.canParse(text)) return true;
    const url = new URL(text);
    return url.username === '' && url.password === '';
  }, 'must not contain user information')
  .meta({ format: 'uri' });

export const LinkTargetSchema = z.strictObject({ url: TargetUrlSchema }).meta({ id: 'LinkTarget' });

const tags = z.array(lineSchema(50)).max(50);
const maxScans = z.int().min(1).max(1_000_000_000);

const editable = {
  target: LinkTargetSchema,
  title: lineSchema(200).nullable().optional(),
  tags: tags.optional(),
  folder: lineSchema(200).nullable().optional(),
  activeFrom: InstantSchema.nullable().optional(),
  expiresAt: InstantSchema.nullable().optional(),
  maxScans: maxScans.nullable().optional(),
  claimMode: z.enum(['interstitial', 'direct']).optional(),
};

export const CreateCodeSchema = z
  .strictObject({ kind: z.literal('link').default('link'), slug: SlugSchema.optional(), ...editable })
  .meta({ id: 'CreateCode' });
export type CreateCode = z.output<typeof CreateCodeSchema>;

export const UpdateCodeSchema = z
  .strictObject({ ...editable, target: LinkTargetSchema.optional() })
  .refine((body) => Object.keys(body).length > 0, 'must change something')
  .meta({ id: 'UpdateCode' });
export type UpdateCode = z.output<typeof UpdateCodeSchema>;

export const RevokeSchema = z.strictObject({ reason: ReasonSchema }).meta({ id: 'Revoke' });
export const ReissueSchema = z.strictObject({ reason: ReasonSchema }).meta({ id: 'Reissue' });
export const RestoreSchema = z
  .strictObject({ version: z.int().min(1).meta({ description: 'a version of the code’s history' }) })
  .meta({ id: 'Restore' });

export const CodeSchema = z
  .object({
    id: UuidSchema,
    slug: z.string().nullable(),
    shortUrl: z.string().nullable(),
    kind: CodeKindSchema,
    status: CodeStatusSchema,
    version: z.int(),
    target: z.object({ url: z.string() }),
    title: z.string().nullable(),
    tags: z.array(z.string()),
    folder: z.string().nullable(),
    brandId: UuidSchema.nullable(),
    activeFrom: InstantSchema.nullable(),
    expiresAt: InstantSchema.nullable(),
    maxScans: z.int().nullable(),
    claimMode: z
      .enum(['interstitial', 'direct'])
      .nullable()
      .meta({ description: 'null: a plain link, nothing to claim' }),
    scansUsed: z
      .int()
      .meta({ description: 'uses of a limited code; 0 for unlimited ones, whose scans analytics counts' }),
    createdAt: InstantSchema,
    updatedAt: InstantSchema,
    createdBy: z.string(),
    revokedReason: z.string().nullable(),
    reissuedFrom: UuidSchema.nullable().meta({ description: 'the code that this one was issued in place of' }),
    reissuedAs: UuidSchema.nullable().meta({ description: 'the code that was issued in place of this one' }),
    propagation: PropagationSchema.optional(),
  })
  .meta({ id: 'Code' });
export type Code = z.output<typeof CodeSchema>;

export const ListCodesQuerySchema = PageQuerySchema.extend({
  q: lineSchema(200).optional(),
  tag: lineSchema(50).optional(),
  folder: lineSchema(200).optional(),
  status: CodeStatusSchema.optional().meta({ description: 'without it, archived codes are left out' }),
  kind: CodeKindSchema.optional(),
  sort: z.enum(['createdAt', '-createdAt']).default('-createdAt'),
});
export type ListCodesQuery = z.output<typeof ListCodesQuerySchema>;
export const CodePageSchema = pageSchema(CodeSchema);

export const CodeVersionSchema = z
  .object({
    version: z.int(),
    at: InstantSchema,
    by: z.string().meta({ description: 'the API key or member, as `key:<id>` or `system`' }),
    action: z.enum(['created', 'updated', 'restored', 'paused', 'resumed', 'revoked', 'reissued', 'archived']),
    changes: z.array(z.object({ field: z.string(), from: z.unknown(), to: z.unknown() })),
    restoredVersion: z.int().optional().meta({ description: 'of `restored`: the version whose fields it has' }),
  })
  .meta({ id: 'CodeVersion' });
export type CodeVersion = z.output<typeof CodeVersionSchema>;
export const CodeHistorySchema = pageSchema(CodeVersionSchema);

const colour = z.string().regex(/^#[0-9a-fA-F]{6}$/, 'must be #rrggbb');

export const QrQuerySchema = z.strictObject({
  format: z.enum(['svg', 'png']).default('svg'),
  size: z.coerce.number().int().min(64).max(4096).default(512).meta({ description: 'pixels' }),
  margin: z.coerce.number().int().min(0).max(20).default(4).meta({ description: 'quiet zone in modules' }),
  ecc: z.enum(['L', 'M', 'Q', 'H']).default('M'),
  dark: colour.default('#000000'),
  light: z.union([colour, z.literal('transparent')]).default('#ffffff'),
});
export type QrQuery = z.output<typeof QrQuerySchema>;
