import { z } from 'zod';
import { ScanDataSchema, VerificationDataSchema } from './events.js';
import { InstantSchema, lineSchema, PageQuerySchema, pageSchema, UuidSchema } from './primitives.js';
import { TimeZoneSchema } from './targets.js';

export const DIMENSIONS = [
  'outcome',
  'country',
  'city',
  'device',
  'os',
  'browser',
  'language',
  'referrer',
  'target',
] as const;
export type Dimension = (typeof DIMENSIONS)[number];
export const INTERVALS = ['minute', 'hour', 'day'] as const;
export type Interval = (typeof INTERVALS)[number];

const range = {
  from: InstantSchema.optional().meta({
    description: 'inclusive; default: 30 days (day), 48 h (hour), 2 h (minute) before `to`',
  }),
  to: InstantSchema.optional().meta({ description: 'exclusive; default: now' }),
};

export const AnalyticsQuerySchema = z.strictObject({
  ...range,
  interval: z.enum(INTERVALS).default('hour'),
  timeZone: TimeZoneSchema.default('UTC').meta({ description: 'IANA; in which days begin. Hours are those of UTC' }),
  compare: z.enum(['previous']).optional().meta({ description: 'also count the time of the same length just before' }),
});
export type AnalyticsQuery = z.output<typeof AnalyticsQuerySchema>;

export const OverviewQuerySchema = AnalyticsQuerySchema.extend({
  tag: lineSchema(50).optional(),
  folder: lineSchema(200).optional().meta({ description: 'and all that is below it' }),
  campaign: lineSchema(200).optional(),
  domain: z.string().min(1).max(253).toLowerCase().optional(),
  top: z.coerce.number().int().min(1).max(100).default(10).meta({ description: 'how many of `topCodes`' }),
});
export type OverviewQuery = z.output<typeof OverviewQuerySchema>;

const totals = z.object({
  scans: z.int(),
  uniques: z.int().nullable().meta({ description: 'null: of more than 2,000 codes at once' }),
  bots: z.int(),
  refused: z.int(),
});
const series = z.array(z.object({ t: InstantSchema, scans: z.int(), uniques: z.int().nullable() }));
const breakdown = z.array(z.object({ value: z.string(), scans: z.int() }));
export const CodeAnalyticsSchema = z
  .object({
    from: InstantSchema,
    to: InstantSchema,
    interval: z.enum(INTERVALS),
    timeZone: z.string(),
    totals,
    series,
    by: z.object({
      outcome: breakdown,
      country: breakdown,
      city: breakdown,
      device: breakdown,
      os: breakdown,
      browser: breakdown,
      language: breakdown,
      referrer: breakdown,
      target: breakdown.meta({ description: 'the position of the rule that chose the target, from 0' }),
    } satisfies Record<Dimension, typeof breakdown>),
    previous: z.object({ from: InstantSchema, to: InstantSchema, totals, series }).optional(),
  })
  .meta({ id: 'CodeAnalytics' });
export type CodeAnalytics = z.output<typeof CodeAnalyticsSchema>;

export const OverviewSchema = CodeAnalyticsSchema.extend({
  topCodes: z.array(z.object({ codeId: UuidSchema, scans: z.int() })),
}).meta({ id: 'AnalyticsOverview' });
export type Overview = z.output<typeof OverviewSchema>;

export const VerificationAnalyticsQuerySchema = AnalyticsQuerySchema.omit({ compare: true });
export type VerificationAnalyticsQuery = z.output<typeof VerificationAnalyticsQuerySchema>;

const seconds = z.number().nullable().meta({ description: 'seconds; null: of nobody' });
const counted = z.array(z.object({ value: z.string(), count: z.int() }));
export const VerificationAnalyticsSchema = z
  .object({
    from: InstantSchema,
    to: InstantSchema,
    interval: z.enum(INTERVALS),
    timeZone: z.string(),
    totals: z.object({
      attempts: z.int(),
      accepted: z.int(),
      rejected: z.int(),
      stepUp: z.int(),
      subjects: z.int().meta({ description: 'distinct names that were tried' }),
      medianSecondsToAccept: seconds,
    }),
    series: z.array(z.object({ t: InstantSchema, accepted: z.int(), rejected: z.int(), stepUp: z.int() })),
    by: z.object({ result: counted, reason: counted, factor: counted, country: counted, device: counted }),
    enrollments: z
      .object({
        created: z.int(),
        opened: z.int(),
        claimed: z.int(),
        confirmed: z.int(),
        expired: z.int(),
        revoked: z.int(),
        medianSecondsToConfirm: seconds,
      })
      .meta({ description: 'of the enrollments created in the range: how far they have come by now' }),
  })
  .meta({ id: 'VerificationAnalytics' });
export type VerificationAnalytics = z.output<typeof VerificationAnalyticsSchema>;

export const ReconcileQuerySchema = z.strictObject(range);
export type ReconcileQuery = z.output<typeof ReconcileQuerySchema>;
export const ReconciliationSchema = z
  .object({
    from: InstantSchema,
    to: InstantSchema,
    ok: z.boolean(),
    lag: z.int().nullable().meta({
      description: 'records of the log that are not counted yet, which may be what is missing; null: the log is away',
    }),
    hours: z.array(
      z.object({
        t: InstantSchema,
        ok: z.boolean(),
        journaled: z.int().meta({ description: 'events that the journals numbered, of all workspaces' }),
        missing: z.int().meta({ description: 'numbers of a journal that never arrived, of all workspaces' }),
        raw: z.int().meta({ description: 'scans in the raw log, of codes of this workspace' }),
        codes: z.int().meta({ description: 'the same, as the rollups of its codes have them' }),
        workspace: z.int().meta({ description: 'the same, as the rollup of the workspace has them' }),
        minutes: z.int().meta({ description: 'the same, as the minutes of the workspace add up to' }),
      }),
    ),
  })
  .meta({ id: 'Reconciliation' });
export type Reconciliation = z.output<typeof ReconciliationSchema>;

export const ListScansQuerySchema = PageQuerySchema.extend({
  codeId: UuidSchema.optional(),
  from: InstantSchema.optional(),
  to: InstantSchema.optional(),
});
export type ListScansQuery = z.output<typeof ListScansQuerySchema>;
export const ScanSchema = ScanDataSchema.extend({ id: UuidSchema.meta({ description: 'the id of its event' }) }).meta({
  id: 'Scan',
});
export type Scan = z.output<typeof ScanSchema>;
export const ScanPageSchema = pageSchema(ScanSchema);

/** What is exported: the filters of the list without its pages. */
export const EXPORT_FORMATS = ['ndjson', 'csv'] as const;
const format = z.enum(EXPORT_FORMATS).default('ndjson');
export const ExportScansQuerySchema = ListScansQuerySchema.omit({ limit: true, cursor: true }).extend({ format });
export type ExportScansQuery = z.output<typeof ExportScansQuerySchema>;

export const ListVerificationsQuerySchema = PageQuerySchema.extend({
  subject: z.string().min(1).max(200).optional(),
  result: VerificationDataSchema.shape.result.optional(),
  reason: z.string().min(1).max(100).optional(),
  factorType: z.string().min(1).max(50).optional(),
  codeId: UuidSchema.optional(),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/, 'must be an ISO 3166-1 alpha-2 country code')
    .optional(),
  from: InstantSchema.optional(),
  to: InstantSchema.optional(),
});
export type ListVerificationsQuery = z.output<typeof ListVerificationsQuerySchema>;
export const LoggedVerificationSchema = VerificationDataSchema.extend({
  id: UuidSchema.meta({ description: 'the id of its event' }),
}).meta({ id: 'LoggedVerification' });
export type LoggedVerification = z.output<typeof LoggedVerificationSchema>;
export const LoggedVerificationPageSchema = pageSchema(LoggedVerificationSchema);
export const ExportVerificationsQuerySchema = ListVerificationsQuerySchema.omit({ limit: true, cursor: true }).extend({
  format,
});
export type ExportVerificationsQuery = z.output<typeof ExportVerificationsQuerySchema>;

export const STREAM_TOPICS = ['scans', 'verifications', 'analytics', 'alerts'] as const;
export type StreamTopic = (typeof STREAM_TOPICS)[number];
export const StreamQuerySchema = z.strictObject({
  topics: z
    .string()
    .default('scans')
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(STREAM_TOPICS)).min(1))
    .meta({ description: `comma-separated, of ${STREAM_TOPICS.join(', ')}` }),
  types: z
    .string()
    .max(1000)
    .transform((text) => text.split(','))
    .pipe(
      z
        .array(z.string().regex(/^([a-z]+\.(\*|[a-z_]+)|\*)$/, 'must be a type such as scan.recorded, or scan.*'))
        .min(1)
        .max(20),
    )
    .optional()
    .meta({ description: 'comma-separated types, as `scan.recorded` or `verification.*`' }),
  codeId: UuidSchema.optional(),
  tag: lineSchema(50).optional().meta({ description: 'events of the codes that have it, by what they have then' }),
  last_event_id: z
    .string()
    .max(1000)
    .optional()
    .meta({ description: 'as the Last-Event-ID header, for a first connection' }),
});
export type StreamQuery = z.output<typeof StreamQuerySchema>;
