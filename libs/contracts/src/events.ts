import { z } from 'zod';
import { AlertEventDataSchema } from './alerts.js';
import { CodeSchema } from './codes.js';
import { InstantSchema, UuidSchema } from './primitives.js';

/**
 * The topics with what Kafka must know of them: partitions never shrink, `compact` keeps the newest record of a key.
 * Retention in days; the replication factor is the installation's (`SIGNET_KAFKA_REPLICATION`).
 */
export const topics = {
  codes: { name: 'signet.codes.v1', partitions: 3, cleanup: 'compact' },
  scans: { name: 'signet.scans.v1', partitions: 6, cleanup: 'delete', retentionDays: 30 },
  enrollments: { name: 'signet.enrollments.v1', partitions: 3, cleanup: 'delete', retentionDays: 90 },
  verifications: { name: 'signet.verifications.v1', partitions: 6, cleanup: 'delete', retentionDays: 90 },
  analytics: { name: 'signet.analytics.v1', partitions: 3, cleanup: 'compact,delete', retentionDays: 30 },
  alerts: { name: 'signet.alerts.v1', partitions: 1, cleanup: 'delete', retentionDays: 90 },
  deadLetter: { name: 'signet.dead-letter.v1', partitions: 1, cleanup: 'delete', retentionDays: 30 },
} as const satisfies Record<string, TopicSpec>;

export interface TopicSpec {
  name: string;
  partitions: number;
  cleanup: 'delete' | 'compact' | 'compact,delete';
  retentionDays?: number;
}
export type TopicName = (typeof topics)[keyof typeof topics]['name'];

export const EVENT_CONTENT_TYPE = 'application/cloudevents+json';

const envelope = {
  specversion: z.literal('1.0'),
  id: UuidSchema,
  /** `/signet/<service>/<instance>`; `sequence` counts without gaps per source. */
  source: z.string().max(200),
  subject: z.string().max(200).optional(),
  time: InstantSchema,
  datacontenttype: z.literal('application/json'),
  dataschema: z.string(),
  /** CloudEvents sequence extension: decimal, gap-free per source. */
  sequence: z.string().regex(/^\d+$/),
};

const event = <Type extends string, Data extends z.ZodType>(type: Type, data: Data) =>
  z.object({ ...envelope, type: z.literal(type), data });

export const SCAN_OUTCOMES = [
  'redirected',
  'claimed',
  'interstitial',
  'revoked',
  'expired',
  'exhausted',
  'not_found',
  'denied',
  'page',
  'file',
] as const;
export const ScanOutcomeSchema = z.enum(SCAN_OUTCOMES);
export type ScanOutcome = z.infer<typeof ScanOutcomeSchema>;

export const ScanDataSchema = z
  .object({
    /** Absent for an unknown slug, which belongs to nobody. */
    workspaceId: UuidSchema.optional(),
    codeId: UuidSchema.optional(),
    slug: z.string().max(64).optional(),
    codeVersion: z.int().optional(),
    outcome: ScanOutcomeSchema,
    targetIndex: z.int().optional(),
    at: InstantSchema,
    visitor: z.string().optional(),
    ip: z.string().optional(),
    country: z.string().optional(),
    region: z.string().optional(),
    city: z.string().optional(),
    deviceType: z.enum(['phone', 'tablet', 'desktop', 'bot', 'other']).optional(),
    os: z.string().optional(),
    browser: z.string().optional(),
    language: z.string().optional(),
    referrerHost: z.string().optional(),
    bot: z.boolean(),
    preview: z.boolean(),
  })
  .meta({ id: 'ScanRecorded' });
export type ScanData = z.output<typeof ScanDataSchema>;

/** A count in place of scans that no longer fitted the journal: `from` and `to` bound the hour. */
export const FoldedScansDataSchema = z
  .object({
    workspaceId: UuidSchema.optional(),
    codeId: UuidSchema.optional(),
    outcome: ScanOutcomeSchema,
    hour: InstantSchema,
    count: z.int().min(1),
    /** Whether they were bots; absent where that was not looked at. */
    bot: z.boolean().optional(),
  })
  .meta({ id: 'ScanFolded' });

export const GUESSING_KINDS = ['slug', 'password', 'claim'] as const;

/** Somebody went over a limit for strangers: one event for each of them, and each window of the limit. */
export const GuessingDataSchema = z
  .object({
    kind: z.enum(GUESSING_KINDS).meta({
      description: 'slug: unknown slugs; password: passwords of one code; claim: claims of one code without a password',
    }),
    workspaceId: UuidSchema.optional().meta({ description: 'of the code, or of the short domain; absent: nobody’s' }),
    codeId: UuidSchema.optional(),
    ip: z.string().optional().meta({ description: 'truncated; absent: of many addresses together' }),
    visitor: z.string().optional().meta({ description: 'as scan.recorded of the same day and workspace has it' }),
    count: z.int().min(1).meta({ description: 'tries from `from` to `to`, this one too; those after it are not told' }),
    limit: z.int().min(1),
    windowSeconds: z.int().min(1),
    from: InstantSchema,
    to: InstantSchema,
  })
  .meta({ id: 'ScanGuessing' });
export type GuessingData = z.output<typeof GuessingDataSchema>;

export const CodeEventDataSchema = CodeSchema.omit({ propagation: true })
  .extend({
    workspaceId: UuidSchema,
    reason: z.string().optional(),
    // What codes have learned since events of them have been written, which are still in the log.
    ...CodeSchema.pick({
      reissuedFrom: true,
      reissuedAs: true,
      notes: true,
      campaign: true,
      owner: true,
      domain: true,
      rules: true,
      forwardQuery: true,
      utm: true,
      offUrl: true,
      hasPassword: true,
      targetHost: true,
      targetHealth: true,
      importedScans: true,
    }).partial().shape,
  })
  .meta({ id: 'CodeChanged' });

export const EnrollmentEventDataSchema = z
  .object({
    workspaceId: UuidSchema,
    subjectId: UuidSchema,
    subject: z.string(),
    enrollmentId: UuidSchema.optional(),
    factorId: UuidSchema.optional(),
    factorType: z.string().optional(),
    codeId: UuidSchema.optional(),
    delivery: z.enum(['link', 'inline']).optional(),
    expiresAt: InstantSchema.optional(),
    reason: z.string().optional(),
    claimedAt: InstantSchema.optional().meta({ description: 'of enrollment.claim_refused: when it was claimed' }),
    ip: z.string().optional().meta({ description: 'of enrollment.claim_refused: who was refused; truncated' }),
    sameVisitor: z.boolean().optional().meta({
      description: 'of enrollment.claim_refused: whether address and browser are those of the claim',
    }),
    otherFactors: z.int().optional().meta({
      description: 'of factor.added: how many the subject has besides it, recovery codes left out',
    }),
    erasureId: UuidSchema.optional().meta({ description: 'of subject.erased' }),
    codeIds: z
      .array(UuidSchema)
      .optional()
      .meta({ description: 'of subject.erased: the links of its enrollments, whose scans may be of the subject' }),
    at: InstantSchema,
  })
  .meta({ id: 'EnrollmentChanged' });

/** A window of a code as it stands: counts are absolute, so that of one window the newest event is the whole truth. */
export const RollupDataSchema = z
  .object({
    workspaceId: UuidSchema,
    codeId: UuidSchema,
    interval: z.enum(['minute', 'hour', 'day']),
    start: InstantSchema.meta({ description: 'of the window, which ends one interval later; days are those of UTC' }),
    scans: z.int(),
    uniques: z.int().meta({ description: 'visitors among the scans; exact up to 128, beyond it within 1.6 %' }),
    bots: z.int(),
    refused: z.int(),
    opened: z.int().meta({ description: 'interstitials shown' }),
    by: z
      .record(z.string(), z.record(z.string(), z.int()))
      .meta({ description: 'scans by dimension and value: the 20 most frequent values, and `(other)`' }),
  })
  .meta({ id: 'RollupUpdated' });
export type RollupData = z.output<typeof RollupDataSchema>;

export const VerificationDataSchema = z
  .object({
    workspaceId: UuidSchema,
    verificationId: UuidSchema,
    subject: z.string(),
    factorId: UuidSchema.optional(),
    factorType: z.string(),
    codeId: UuidSchema.optional(),
    result: z.enum(['accepted', 'rejected', 'step_up']),
    reason: z.string().optional(),
    deviceId: z.string().optional(),
    deviceType: z.string().optional(),
    os: z.string().optional(),
    biometric: z.enum(['none', 'passed', 'failed']),
    ip: z.string().optional(),
    country: z.string().optional(),
    city: z.string().optional(),
    at: InstantSchema,
    signals: z.array(z.object({ name: z.string(), value: z.number(), threshold: z.number(), weight: z.number() })),
    riskScore: z.number(),
  })
  .meta({ id: 'VerificationDecided' });
export type VerificationData = z.output<typeof VerificationDataSchema>;

const codeEvents = [
  'code.created',
  'code.updated',
  'code.revoked',
  'code.paused',
  'code.resumed',
  'code.reissued',
  'code.archived',
  'code.target_unhealthy',
  'code.target_healthy',
  'code.exhausted',
  'code.expired',
] as const;
const enrollmentEvents = [
  'enrollment.created',
  'enrollment.claimed',
  'enrollment.claim_refused',
  'enrollment.reminder',
  'enrollment.confirmed',
  'enrollment.expired',
  'enrollment.revoked',
  'factor.added',
  'factor.revoked',
  'factor.replayed',
  'subject.offboarded',
  'subject.erased',
] as const;
const verificationEvents = ['verification.accepted', 'verification.rejected', 'verification.step_up'] as const;

export const CodeEventSchema = z.object({ ...envelope, type: z.enum(codeEvents), data: CodeEventDataSchema });
export const ScanEventSchema = z.discriminatedUnion('type', [
  event('scan.recorded', ScanDataSchema),
  event('scan.folded', FoldedScansDataSchema),
  event('scan.guessing', GuessingDataSchema),
]);
export const EnrollmentEventSchema = z.object({
  ...envelope,
  type: z.enum(enrollmentEvents),
  data: EnrollmentEventDataSchema,
});
export const VerificationEventSchema = z.object({
  ...envelope,
  type: z.enum(verificationEvents),
  data: VerificationDataSchema,
});
export const RollupEventSchema = event('rollup.updated', RollupDataSchema);
export const AlertEventSchema = z.object({
  ...envelope,
  type: z.enum(['alert.raised', 'alert.resolved']),
  data: AlertEventDataSchema,
});
/** Topics whose events no part of this version writes yet; consumers read the envelope. */
export const AnyEventSchema = z.object({ ...envelope, type: z.string(), data: z.unknown() });

export type CodeEvent = z.output<typeof CodeEventSchema>;
export type ScanEvent = z.output<typeof ScanEventSchema>;
export type EnrollmentEvent = z.output<typeof EnrollmentEventSchema>;
export type VerificationEvent = z.output<typeof VerificationEventSchema>;
export type AlertEvent = z.output<typeof AlertEventSchema>;
export type SignetEvent = z.output<typeof AnyEventSchema>;

/** The schema by which a record of a topic is parsed; the one that fails it goes to the dead-letter topic. */
export const eventSchemas: Readonly<Record<string, z.ZodType<SignetEvent>>> = {
  [topics.codes.name]: CodeEventSchema,
  [topics.scans.name]: ScanEventSchema,
  [topics.enrollments.name]: EnrollmentEventSchema,
  [topics.verifications.name]: VerificationEventSchema,
  [topics.analytics.name]: RollupEventSchema,
  [topics.alerts.name]: z.union([AlertEventSchema, AnyEventSchema.refine(({ type }) => !type.startsWith('alert.'))]),
};

/** @param type an event type such as `scan.recorded` */
export const dataSchemaUrn = (type: string): string => `urn:signet:event:${type}:v1`;
