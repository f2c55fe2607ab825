import { z } from 'zod';
import { InstantSchema, lineSchema, PageQuerySchema, pageSchema, UuidSchema } from './primitives.js';
import { SubjectNameSchema } from './subjects.js';

/** An address or a CIDR, of either family. */
export const NetworkSchema = z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()], 'must be an address or a CIDR');

const CountrySchema = z.string().regex(/^[A-Z]{2}$/, 'must be ISO 3166-1 alpha-2');
const labels = (max: number) => z.array(lineSchema(100)).min(1).max(max);

/** Kinds that a policy may name; those that this release cannot enroll yet are ready for when it can. */
export const POLICY_FACTORS = ['totp', 'recovery', 'device', 'webauthn'] as const;
export const PolicyFactorSchema = z.enum(POLICY_FACTORS);
export type PolicyFactor = z.output<typeof PolicyFactorSchema>;

/** RFC 6238 parameters of new enrollments, and the steps that a verification accepts besides the current one. */
export const PolicyTotpSchema = z.strictObject({
  algorithm: z.enum(['SHA1', 'SHA256', 'SHA512']).default('SHA1'),
  digits: z.union([z.literal(6), z.literal(8)]).default(6),
  period: z.int().min(15).max(60).default(30).meta({ description: 'seconds' }),
  driftSteps: z.union([z.literal(0), z.literal(1)]).default(1),
});

/** Whom a policy is for: who is in any of groups, roles and subjects (none given: everybody), in one of the networks. */
export const PolicyMatchSchema = z.strictObject({
  groups: labels(200).optional(),
  roles: labels(200).optional(),
  subjects: z.array(SubjectNameSchema).min(1).max(1000).optional(),
  networks: z.array(NetworkSchema).min(1).max(200).optional(),
});
export type PolicyMatch = z.output<typeof PolicyMatchSchema>;

/** Where all conditions of `when` hold, `require` is demanded on top. */
export const StepUpRuleSchema = z.strictObject({
  when: z.strictObject({
    actions: labels(50).optional(),
    riskSignals: labels(50).optional(),
    networksOutside: z.array(NetworkSchema).min(1).max(200).optional(),
    countriesOutside: z.array(CountrySchema).min(1).max(250).optional(),
  }),
  require: z
    .strictObject({
      driftSteps: z.literal(0).optional().meta({ description: 'only the current TOTP step' }),
      factors: z
        .array(PolicyFactorSchema)
        .min(1)
        .max(POLICY_FACTORS.length)
        .optional()
        .meta({ description: 'a second factor, of one of these kinds and of another kind than the first' }),
    })
    .refine(({ driftSteps, factors }) => driftSteps !== undefined || factors, 'must demand something'),
});
export type StepUpRule = z.output<typeof StepUpRuleSchema>;

const policyFields = {
  name: lineSchema(100),
  priority: z.int().min(0).max(10_000).meta({ description: 'of the policies that match, the highest one decides' }),
  enabled: z.boolean(),
  match: PolicyMatchSchema,
  mfa: z.enum(['required', 'optional', 'off']),
  enforce: z.enum(['first-login', 'every-login', 'high-risk']),
  graceDays: z.int().min(0).max(365).meta({
    description: 'days to enroll, from when the subject was created or the policy became required, whichever is later',
  }),
  factors: z.array(PolicyFactorSchema).min(1).max(POLICY_FACTORS.length),
  totp: PolicyTotpSchema,
  recovery: z.boolean().meta({ description: 'whether recovery codes are accepted' }),
  stepUp: z.array(StepUpRuleSchema).max(20),
};

export const CreatePolicySchema = z
  .strictObject({
    ...policyFields,
    priority: policyFields.priority.default(0),
    enabled: policyFields.enabled.default(true),
    match: policyFields.match.default({}),
    enforce: policyFields.enforce.default('every-login'),
    graceDays: policyFields.graceDays.default(0),
    factors: policyFields.factors.default(['totp']),
    totp: policyFields.totp.default({ algorithm: 'SHA1', digits: 6, period: 30, driftSteps: 1 }),
    recovery: policyFields.recovery.default(true),
    stepUp: policyFields.stepUp.default([]),
  })
  .meta({ id: 'CreatePolicy' });
/** What a policy says, without its id and its versions. */
export type PolicyTerms = z.output<typeof CreatePolicySchema>;

export const UpdatePolicySchema = z.strictObject(policyFields).partial().meta({ id: 'UpdatePolicy' });
export type UpdatePolicy = z.output<typeof UpdatePolicySchema>;

export const PolicySchema = z
  .object({
    id: UuidSchema,
    ...policyFields,
    version: z.int(),
    requiredSince: InstantSchema.nullable().meta({ description: 'since when it has been enabled and required' }),
    createdAt: InstantSchema,
    updatedAt: InstantSchema,
    warnings: z.array(z.string()).meta({ description: 'what to know before it is used, such as apps that would fail' }),
  })
  .meta({ id: 'Policy' });
export type Policy = z.output<typeof PolicySchema>;
export const PolicyPageSchema = pageSchema(PolicySchema);
export const ListPoliciesQuerySchema = PageQuerySchema;

export const PolicyVersionSchema = z
  .object({
    version: z.int(),
    at: InstantSchema,
    by: z.string(),
    action: z.enum(['created', 'updated', 'deleted']),
    terms: z.object(policyFields),
  })
  .meta({ id: 'PolicyVersion' });
export type PolicyVersion = z.output<typeof PolicyVersionSchema>;
export const PolicyHistorySchema = pageSchema(PolicyVersionSchema);

export const PolicyContextSchema = z.strictObject({
  ip: z.union([z.ipv4(), z.ipv6()]).optional(),
  userAgent: z.string().max(1000).optional(),
  country: CountrySchema.optional(),
  riskSignals: z.array(lineSchema(100)).max(20).optional(),
  action: lineSchema(100).optional(),
});
export type PolicyContext = z.output<typeof PolicyContextSchema>;

export const EvaluatePoliciesSchema = z
  .strictObject({ subject: SubjectNameSchema, context: PolicyContextSchema.default({}) })
  .meta({ id: 'EvaluatePolicies' });

/** What is needed on top of a first factor. */
export const StepUpSchema = z
  .object({
    driftSteps: z.literal(0).optional(),
    factors: z.array(PolicyFactorSchema).optional(),
    reasons: z.array(z.string()),
  })
  .meta({ id: 'StepUp' });
export type StepUp = z.output<typeof StepUpSchema>;

export const PolicyDecisionSchema = z
  .object({
    decision: z.enum(['allow', 'challenge', 'enroll', 'deny']),
    factors: z
      .array(PolicyFactorSchema)
      .meta({ description: 'challenge: those to ask for; enroll: those that may be enrolled' }),
    policyId: UuidSchema.nullable(),
    graceUntil: InstantSchema.nullable(),
    stepUp: StepUpSchema.nullable(),
    reasons: z.array(z.string()),
  })
  .meta({ id: 'PolicyDecision' });
export type PolicyDecision = z.output<typeof PolicyDecisionSchema>;

export const DryRunPolicySchema = z
  .strictObject({
    policy: CreatePolicySchema,
    replaces: UuidSchema.optional().meta({ description: 'the policy in whose place this one would go live' }),
    context: PolicyContextSchema.default({}),
  })
  .meta({ id: 'DryRunPolicy' });

const SampleSchema = z.object({ subject: z.string(), reasons: z.array(z.string()) });
const FindingSchema = z.object({ count: z.int(), samples: z.array(SampleSchema) });

/** What the policy would do to the subjects that are not offboarded. Samples: the first ones by name. */
export const PolicyDryRunSchema = z
  .object({
    subjects: z.int(),
    matched: z.int().meta({ description: 'those for whom this policy would decide' }),
    decisions: z.object({ allow: z.int(), challenge: z.int(), enroll: z.int(), deny: z.int() }),
    lockedOut: FindingSchema.meta({
      description: 'must verify and could not: no usable factor, and the grace is over',
    }),
    unprotected: FindingSchema.meta({ description: 'would be let in with one factor and have no second one' }),
    inGrace: FindingSchema,
    changed: z.int().meta({ description: 'those for whom the decision would be another than today' }),
  })
  .meta({ id: 'PolicyDryRun' });
export type PolicyDryRun = z.output<typeof PolicyDryRunSchema>;
