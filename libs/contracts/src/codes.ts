import { z } from 'zod';
import { FileTargetSchema } from './files.js';
import { PageTargetSchema } from './pages.js';
import { hasControlCharacters, InstantSchema, lineSchema, pageSchema, ReasonSchema, UuidSchema } from './primitives.js';
import { TargetHealthSchema, TargetHostSchema } from './target-safety.js';
import { AppTargetSchema, LinkTargetSchema, RulesSchema, TargetUrlSchema, UtmSchema } from './targets.js';

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

/** The kinds that a workspace issues itself, each with what it leads to. The others come from enrollment and sign-in. */
export const targetSchemas = {
  link: LinkTargetSchema,
  app: AppTargetSchema,
  page: PageTargetSchema,
  file: FileTargetSchema,
} as const;
export type IssuableKind = keyof typeof targetSchemas;
/** Of the codes that enrollments issue; the redirect leads from them to the wizard. */
export const EnrollmentTargetSchema = z.strictObject({ enrollmentId: UuidSchema });
export const CodeTargetSchema = z.union([...Object.values(targetSchemas), EnrollmentTargetSchema]);
export type CodeTarget = z.output<typeof CodeTargetSchema>;

const tags = z.array(lineSchema(50)).max(50);
const maxScans = z.int().min(1).max(1_000_000_000);

/** Text of several lines, without other control characters. */
const notes = z
  .string()
  .min(1)
  .max(5000)
  .refine((text) => !hasControlCharacters(text.replaceAll(/[\n\t]/g, ' ')), 'must not contain control characters');

const PasswordSchema = z
  .string()
  .min(4)
  .max(128)
  .refine((text) => !hasControlCharacters(text), 'must not contain control characters')
  .meta({ description: 'asked for before the target; never shown again', format: 'password' });

const editable = {
  title: lineSchema(200).nullable().optional(),
  notes: notes.nullable().optional(),
  tags: tags.optional(),
  folder: lineSchema(200).nullable().optional(),
  campaign: lineSchema(200).nullable().optional(),
  owner: lineSchema(200).nullable().optional().meta({ description: 'who looks after the code' }),
  brandId: UuidSchema.nullable().optional(),
  activeFrom: InstantSchema.nullable().optional(),
  expiresAt: InstantSchema.nullable().optional(),
  maxScans: maxScans.nullable().optional(),
  claimMode: z.enum(['interstitial', 'direct']).optional(),
  rules: RulesSchema.optional().meta({ description: 'of links and apps: the first that matches decides' }),
  forwardQuery: z.boolean().optional().meta({ description: 'whether the query of the scan goes on to the target' }),
  utm: UtmSchema.nullable().optional(),
  offUrl: TargetUrlSchema.nullable()
    .optional()
    .meta({ description: 'where a code that is off leads in place of the page that says so' }),
  password: PasswordSchema.nullable().optional(),
};

const create = {
  slug: SlugSchema.optional(),
  domain: z
    .string()
    .max(253)
    .optional()
    .meta({ description: 'one of the workspace’s; absent: the installation’s own' }),
  importedScans: z
    .int()
    .min(0)
    .max(1_000_000_000_000)
    .optional()
    .meta({ description: 'scans that were counted elsewhere, before the code came here' }),
  ...editable,
};

export const CreateCodeSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('link').optional().default('link'), target: LinkTargetSchema, ...create }),
    z.strictObject({ kind: z.literal('app'), target: AppTargetSchema, ...create }),
    z.strictObject({ kind: z.literal('page'), target: PageTargetSchema, ...create }),
    z.strictObject({ kind: z.literal('file'), target: FileTargetSchema, ...create }),
  ])
  .meta({ id: 'CreateCode' });
export type CreateCode = z.output<typeof CreateCodeSchema>;

export const UpdateCodeSchema = z
  .strictObject({
    ...editable,
    // Which target it must be, the code's kind says: it is parsed again by that one's schema.
    target: z
      .record(z.string(), z.unknown())
      .optional()
      .meta({ description: 'as at creation, for the kind that the code has' }),
  })
  .refine((body) => Object.keys(body).length > 0, 'must change something')
  .meta({ id: 'UpdateCode' });
export type UpdateCode = z.output<typeof UpdateCodeSchema>;

export const RevokeSchema = z.strictObject({ reason: ReasonSchema }).meta({ id: 'Revoke' });
export const ReissueSchema = z.strictObject({ reason: ReasonSchema }).meta({ id: 'Reissue' });
export const RestoreSchema = z
  .strictObject({ version: z.int32().min(1).meta({ description: 'a version of the code’s history' }) })
  .meta({ id: 'Restore' });

export const CodeSchema = z
  .object({
    id: UuidSchema,
    slug: z.string().nullable(),
    shortUrl: z.string().nullable(),
    kind: CodeKindSchema,
    status: CodeStatusSchema,
    version: z.int(),
    target: CodeTargetSchema,
    title: z.string().nullable(),
    notes: z.string().nullable(),
    tags: z.array(z.string()),
    folder: z.string().nullable(),
    campaign: z.string().nullable(),
    owner: z.string().nullable(),
    domain: z.string().nullable().meta({ description: 'null: the installation’s own' }),
    brandId: UuidSchema.nullable(),
    activeFrom: InstantSchema.nullable(),
    expiresAt: InstantSchema.nullable(),
    maxScans: z.int().nullable(),
    claimMode: z
      .enum(['interstitial', 'direct'])
      .nullable()
      .meta({ description: 'null: a plain link, nothing to claim' }),
    rules: RulesSchema,
    forwardQuery: z.boolean(),
    utm: UtmSchema.nullable(),
    offUrl: z.string().nullable(),
    hasPassword: z.boolean(),
    targetHost: TargetHostSchema.nullable().meta({ description: 'of the main target; null: it is shown here' }),
    targetHealth: TargetHealthSchema.nullable().meta({ description: 'null: not checked yet' }),
    scansUsed: z
      .int()
      .meta({ description: 'uses of a limited code; 0 for unlimited ones, whose scans analytics counts' }),
    importedScans: z
      .int()
      .meta({ description: 'scans that were counted before the code came here; in no other count' }),
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
