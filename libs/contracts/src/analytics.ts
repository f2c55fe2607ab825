import { z } from 'zod';
import { ScanDataSchema } from './events.js';
import { InstantSchema, PageQuerySchema, pageSchema, UuidSchema } from './primitives.js';

export const DIMENSIONS = ['outcome', 'country', 'city', 'device', 'os', 'browser', 'language', 'referrer'] as const;
export type Dimension = (typeof DIMENSIONS)[number];
export const INTERVALS = ['minute', 'hour', 'day'] as const;
export type Interval = (typeof INTERVALS)[number];

export const AnalyticsQuerySchema = z.strictObject({
  from: InstantSchema.optional().meta({
    description: 'inclusive; default: 30 days (day), 48 h (hour), 2 h (minute) before `to`',
  }),
  to: InstantSchema.optional().meta({ description: 'exclusive; default: now' }),
  interval: z.enum(INTERVALS).default('hour'),
});
export type AnalyticsQuery = z.output<typeof AnalyticsQuerySchema>;

const breakdown = z.array(z.object({ value: z.string(), scans: z.int() }));
export const CodeAnalyticsSchema = z
  .object({
    totals: z.object({ scans: z.int(), uniques: z.int(), bots: z.int(), refused: z.int() }),
    series: z.array(z.object({ t: InstantSchema, scans: z.int(), uniques: z.int() })),
    by: z.object({
      outcome: breakdown,
      country: breakdown,
      city: breakdown,
      device: breakdown,
      os: breakdown,
      browser: breakdown,
      language: breakdown,
      referrer: breakdown,
    } satisfies Record<Dimension, typeof breakdown>),
  })
  .meta({ id: 'CodeAnalytics' });
export type CodeAnalytics = z.output<typeof CodeAnalyticsSchema>;

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

export const STREAM_TOPICS = ['scans', 'verifications', 'analytics', 'alerts'] as const;
export type StreamTopic = (typeof STREAM_TOPICS)[number];
export const StreamQuerySchema = z.strictObject({
  topics: z
    .string()
    .default('scans')
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(STREAM_TOPICS)).min(1))
    .meta({ description: `comma-separated, of ${STREAM_TOPICS.join(', ')}` }),
  codeId: UuidSchema.optional(),
  last_event_id: z
    .string()
    .max(1000)
    .optional()
    .meta({ description: 'as the Last-Event-ID header, for a first connection' }),
});
export type StreamQuery = z.output<typeof StreamQuerySchema>;
