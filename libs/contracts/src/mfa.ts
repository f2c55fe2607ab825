import { z } from 'zod';
import { StepUpSchema } from './policies.js';
import { InstantSchema, lineSchema, PageQuerySchema, pageSchema, ReasonSchema, UuidSchema } from './primitives.js';
import { SubjectNameSchema } from './subjects.js';

export const FactorSchema = z
  .object({
    id: UuidSchema,
    type: z.enum(['totp', 'recovery']),
    status: z.enum(['active', 'locked', 'revoked']),
    name: z.string().nullable(),
    app: z.string().nullable().meta({ description: 'the authenticator app, as the person named it' }),
    createdAt: InstantSchema,
    lastUsedAt: InstantSchema.nullable(),
    /** Where the relying party said that its user was then. */
    lastUsedFrom: z.object({ ip: z.string().nullable(), country: z.string().nullable() }).nullable(),
  })
  .meta({ id: 'Factor' });
export type Factor = z.output<typeof FactorSchema>;
export const FactorsSchema = z.object({ items: z.array(FactorSchema) });

export const RevokeFactorSchema = z
  .strictObject({ reason: z.enum(['device-lost', 'compromised', 'replaced', 'other']) })
  .meta({ id: 'RevokeFactor' });

export const RenameFactorSchema = z
  .strictObject({ name: lineSchema(100).nullable() })
  .meta({ id: 'RenameFactor', description: 'what the owner calls it, such as "work phone"' });

/** RFC 6238 parameters of a factor. Defaults: security.md §1. */
export const TotpParametersSchema = z.object({
  algorithm: z.enum(['SHA1', 'SHA256', 'SHA512']).default('SHA1'),
  digits: z.union([z.literal(6), z.literal(8)]).default(6),
  periodSeconds: z.int().min(15).max(60).default(30),
});
export type TotpParameters = z.output<typeof TotpParametersSchema>;

export const EnrollmentSettingsSchema = z
  .strictObject({
    enabled: z.boolean(),
    issuer: lineSchema(60).refine((text) => !text.includes(':'), 'must not contain a colon'),
    ticketTtlSeconds: z.int().min(60).max(259_200),
    requirePin: z.boolean().meta({ description: 'whether each link that is begun from now on asks for a PIN' }),
  })
  .meta({ id: 'EnrollmentSettings' });
export type EnrollmentSettings = z.output<typeof EnrollmentSettingsSchema>;
/** What demands more is not switched off by being left out. */
export const PutEnrollmentSettingsSchema = EnrollmentSettingsSchema.partial({ requirePin: true }).meta({
  id: 'PutEnrollmentSettings',
  description: 'without `requirePin` that stays as it is',
});
export type PutEnrollmentSettings = z.output<typeof PutEnrollmentSettingsSchema>;

const lifetime = z
  .int()
  .min(60)
  .max(259_200)
  .optional()
  .meta({ description: 'absent: as the settings say; `inline` ends after ten minutes at most' });

/** What speaks for a further factor of somebody who has one. */
export const EnrollmentStepUpSchema = z
  .union([
    z.strictObject({
      verificationId: UuidSchema.meta({ description: 'an accepted one of the subject, five minutes old at most' }),
    }),
    z.strictObject({ reason: ReasonSchema.meta({ description: 'why it needs none; goes into the audit log' }) }),
  ])
  .meta({ id: 'EnrollmentStepUp' });
export type EnrollmentStepUp = z.output<typeof EnrollmentStepUpSchema>;

export const CreateEnrollmentSchema = z
  .strictObject({
    subject: SubjectNameSchema,
    factor: z.literal('totp').default('totp'),
    delivery: z.enum(['link', 'inline']),
    expiresInSeconds: lifetime,
    purpose: lineSchema(200).optional().meta({ description: 'why it is asked for; a link shows it to its person' }),
    requirePin: z.boolean().optional().meta({
      description:
        'whether the claim of a link asks for a PIN, too; absent, or where the settings require one: as they say',
    }),
    stepUp: EnrollmentStepUpSchema.optional().meta({ description: 'needed for a subject that has a factor' }),
  })
  .refine(({ delivery, requirePin }) => delivery === 'link' || requirePin !== true, {
    path: ['requirePin'],
    message: 'is for links: nobody claims what is shown in place',
  })
  .meta({ id: 'CreateEnrollment' });
export type CreateEnrollment = z.output<typeof CreateEnrollmentSchema>;

export const ENROLLMENT_STATUSES = [
  'created',
  'opened',
  'claimed',
  'active',
  'failed',
  'expired',
  'revoked',
  'superseded',
] as const;
export const EnrollmentSchema = z
  .object({
    id: UuidSchema,
    subject: z.string(),
    factor: z.literal('totp'),
    delivery: z.enum(['link', 'inline']),
    status: z.enum(ENROLLMENT_STATUSES),
    purpose: z.string().nullable(),
    codeId: UuidSchema.nullable().meta({ description: 'the single-use code of a link; null: inline' }),
    requiresPin: z.boolean(),
    createdAt: InstantSchema,
    expiresAt: InstantSchema.meta({
      description: 'of the link while it is not claimed; ten minutes from the claim on',
    }),
    claimedAt: InstantSchema.nullable(),
    factorId: UuidSchema.nullable(),
  })
  .meta({ id: 'Enrollment' });
export type Enrollment = z.output<typeof EnrollmentSchema>;

/** A secret as a person takes it into an app: scanned, tapped or typed. */
const shownSecret = {
  otpauthUri: z.string(),
  secret: z.string().meta({ description: 'base32 without padding' }),
  qrSvg: z.string(),
};

/** What is secret is in this answer and in no other. */
export const CreatedEnrollmentSchema = z
  .discriminatedUnion('delivery', [
    EnrollmentSchema.extend({ delivery: z.literal('inline'), claimToken: z.string(), ...shownSecret }),
    EnrollmentSchema.extend({
      delivery: z.literal('link'),
      codeId: UuidSchema,
      claimUrl: z.string().meta({ description: 'whoever opens it first gets the factor: hand it over safely' }),
      qrSvg: z.string().meta({ description: 'of the claimUrl' }),
      pin: z.string().optional().meta({
        description: 'eight digits that the claim asks for: tell them by another way than the link',
      }),
      warnings: z.array(z.string()),
    }),
  ])
  .meta({ id: 'CreatedEnrollment' });

export const ClaimEnrollmentSchema = z
  .strictObject({
    token: z.string().min(1).max(200).meta({ description: 'the last path segment of the claimUrl' }),
    pin: z
      .string()
      .max(20)
      .regex(/^(?:[ -]*\d){8}[ -]*$/, 'must be eight digits')
      .optional()
      .meta({ description: 'where the enrollment asks for one; spaces and hyphens are ignored' }),
  })
  .meta({ id: 'ClaimEnrollment' });
export const ClaimedEnrollmentSchema = z
  .object({
    enrollmentId: UuidSchema,
    claimToken: z.string(),
    ...shownSecret,
    account: z.string(),
    issuer: z.string(),
    expiresAt: InstantSchema,
  })
  .meta({ id: 'ClaimedEnrollment' });

export const RevokeEnrollmentSchema = z.strictObject({ reason: ReasonSchema }).meta({ id: 'RevokeEnrollment' });
export const ReissueEnrollmentSchema = z
  .strictObject({ reason: ReasonSchema, expiresInSeconds: lifetime })
  .meta({ id: 'ReissueEnrollment' });

export const ListEnrollmentsQuerySchema = PageQuerySchema.extend({
  subject: SubjectNameSchema.optional(),
  status: z.enum(ENROLLMENT_STATUSES).optional(),
});
export const EnrollmentPageSchema = pageSchema(EnrollmentSchema);

export const ConfirmEnrollmentSchema = z
  .strictObject({
    code: z.string().regex(/^\d{6,8}$/, 'must be 6 to 8 digits'),
    claimToken: z.string().min(1).max(200),
    app: lineSchema(60).optional().meta({ description: 'the authenticator app, for the list of factors' }),
  })
  .meta({ id: 'ConfirmEnrollment' });
export type ConfirmEnrollment = z.output<typeof ConfirmEnrollmentSchema>;
export const ConfirmedEnrollmentSchema = z
  .object({ status: z.literal('active'), factorId: UuidSchema, recoveryCodes: z.array(z.string()) })
  .meta({ id: 'ConfirmedEnrollment' });

export const VerificationContextSchema = z.strictObject({
  ip: z.union([z.ipv4(), z.ipv6()]).optional(),
  userAgent: z.string().max(1000).optional(),
  deviceId: lineSchema(200).optional(),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/, 'must be ISO 3166-1 alpha-2')
    .optional(),
  biometric: z.enum(['none', 'passed', 'failed']).optional(),
  codeId: UuidSchema.optional(),
  action: lineSchema(100)
    .optional()
    .meta({ description: 'what the code is asked for; policies may demand more for it' }),
  riskSignals: z
    .array(lineSchema(100))
    .max(20)
    .optional()
    .meta({ description: 'what speaks for a high risk, such as `new-device`; empty: nothing' }),
});
export type VerificationContext = z.output<typeof VerificationContextSchema>;

export const CreateVerificationSchema = z
  .strictObject({
    subject: SubjectNameSchema,
    factor: z.enum(['totp', 'recovery']),
    code: z.string().min(1).max(64),
    context: VerificationContextSchema.optional(),
    stepUpOf: UuidSchema.optional().meta({
      description: 'the verification whose `step_up` this one answers, with a factor of another kind, within 5 minutes',
    }),
  })
  .meta({ id: 'CreateVerification' });
export type CreateVerification = z.output<typeof CreateVerificationSchema>;

/** The true reasons; a key without `verify:reason` gets `failed` for every one of them. */
export const REJECTION_REASONS = [
  'invalid_code',
  'replayed',
  'locked',
  'throttled',
  'no_factor',
  'revoked',
  'suspended',
  'not_allowed',
  'offboarded',
  'unknown_subject',
] as const;
export type RejectionReason = (typeof REJECTION_REASONS)[number];

export const VerificationSchema = z
  .object({
    id: UuidSchema,
    result: z.enum(['accepted', 'rejected', 'step_up']),
    reason: z.enum(['failed', ...REJECTION_REASONS]).optional(),
    factorId: UuidSchema.optional(),
    attemptsLeft: z.int().optional(),
    stepUp: StepUpSchema.optional(),
  })
  .meta({ id: 'Verification' });
export type Verification = z.output<typeof VerificationSchema>;
