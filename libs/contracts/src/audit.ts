import { z } from 'zod';
import { InstantSchema, PageQuerySchema, pageSchema, UuidSchema } from './primitives.js';

const HashSchema = z.string().regex(/^[0-9a-f]{64}$/);

/** What an entry says; the chain adds `seq`, `prevHash` and `hash`. Never a secret: ids only. */
export const AuditRecordSchema = z.object({
  id: UuidSchema,
  at: InstantSchema,
  workspaceId: UuidSchema,
  actor: z.string().meta({ description: '`key:<id>`, `subject:<id>` or `system`' }),
  action: z.string().meta({ examples: ['verification.attempt', 'code.revoke'] }),
  subject: z.string().optional(),
  codeId: UuidSchema.optional(),
  factorId: UuidSchema.optional(),
  enrollmentId: UuidSchema.optional(),
  keyId: UuidSchema.optional(),
  domainId: UuidSchema.optional(),
  brandId: UuidSchema.optional(),
  policyId: UuidSchema.optional(),
  webhookId: UuidSchema.optional(),
  fileId: UuidSchema.optional(),
  result: z.string().optional(),
  reason: z.string().optional(),
  deviceId: z.string().optional(),
  deviceType: z.string().optional(),
  os: z.string().optional(),
  browser: z.string().optional(),
  biometric: z.enum(['none', 'passed', 'failed']).optional(),
  ip: z.string().optional(),
  country: z.string().optional(),
  city: z.string().optional(),
  requestId: z.string().optional(),
  erasureId: UuidSchema.optional(),
  channelId: UuidSchema.optional(),
  alertId: UuidSchema.optional(),
  redacted: z.literal(true).optional().meta({
    description: 'its subject was erased: what named the person is gone, and `hash` is still that of the whole entry',
  }),
  erased: z
    .record(z.string().regex(/^[1-9]\d*$/), HashSchema)
    .optional()
    .meta({
      description:
        'of a `subject.erase`: the `seq` of each entry that it redacted, with the hex SHA-256 of the RFC 8785 canonical JSON of what is left of it, `hash` included',
    }),
  cut: z
    .record(z.string().regex(/^[1-9]\d*$/), HashSchema)
    .optional()
    .meta({
      description: 'of an `audit.cut`: the `seq` of the last entry that it cut off, with its `hash`',
    }),
});
export type AuditRecord = z.output<typeof AuditRecordSchema>;

/** `hash` = hex SHA-256 of the RFC 8785 canonical JSON of the entry without `hash`, as it was before any redaction. */
export const AuditEntrySchema = AuditRecordSchema.extend({
  seq: z.int().min(1),
  prevHash: HashSchema,
  hash: HashSchema,
}).meta({ id: 'AuditEntry' });
export type AuditEntry = z.output<typeof AuditEntrySchema>;

export const ListAuditQuerySchema = PageQuerySchema.extend({
  action: z.string().max(100).optional(),
  subject: z.string().max(200).optional(),
});
export type ListAuditQuery = z.output<typeof ListAuditQuerySchema>;
export const AuditPageSchema = pageSchema(AuditEntrySchema);

/**
 * The end of a chain at a moment, signed with Ed25519 (`kid` of `/.well-known/jwks.json`) over the RFC 8785 canonical JSON
 * of the checkpoint without `signature`, which is base64url.
 */
export const AuditCheckpointSchema = z
  .object({
    workspaceId: UuidSchema,
    seq: z.int().min(1),
    hash: z.string().regex(/^[0-9a-f]{64}$/),
    at: InstantSchema,
    kid: z.string(),
    signature: z.string(),
  })
  .meta({ id: 'AuditCheckpoint' });
export type AuditCheckpoint = z.output<typeof AuditCheckpointSchema>;
export const ListCheckpointsQuerySchema = PageQuerySchema;
export const AuditCheckpointPageSchema = pageSchema(AuditCheckpointSchema);

/** RFC 8037 public keys. */
export const JwksSchema = z
  .object({
    keys: z.array(
      z.object({
        kty: z.literal('OKP'),
        crv: z.literal('Ed25519'),
        x: z.string(),
        kid: z.string(),
        use: z.literal('sig'),
        alg: z.literal('EdDSA'),
      }),
    ),
  })
  .meta({ id: 'Jwks' });
export type Jwks = z.output<typeof JwksSchema>;

export const AuditVerificationSchema = z
  .object({
    ok: z.boolean(),
    entries: z.int().meta({ description: '`seq` of the last entry' }),
    head: z.string().nullable().meta({ description: 'hash of the last entry' }),
    checkpoints: z.int().meta({ description: 'signed checkpoints that the chain agrees with' }),
    pending: z.int().meta({ description: 'entries that are written and not chained yet' }),
    brokenAt: z.int().optional().meta({ description: '`seq` of the first entry that does not add up' }),
    problem: z.string().optional(),
    cutAt: z.int().optional().meta({ description: '`seq` of the last entry that was cut off; absent: none was' }),
  })
  .meta({ id: 'AuditVerification' });
export type AuditVerification = z.output<typeof AuditVerificationSchema>;
