import { z } from 'zod';
import { InstantSchema, PageQuerySchema, pageSchema, UuidSchema } from './primitives.js';

/** Where something about a subject is kept. */
export const ERASURE_STORES = [
  'subjects',
  'enrollments',
  'audit',
  'verifications',
  'scans',
  'deliveries',
  'alerts',
  'answers',
  'events',
] as const;
export type ErasureStoreName = (typeof ERASURE_STORES)[number];

/** How far an erasure has come: by id only, because nothing names the subject any more. */
export const ErasureSchema = z
  .object({
    id: UuidSchema,
    status: z
      .enum(['pending', 'done'])
      .meta({ description: 'done: nothing is left but what ends by itself, see `expiring`' }),
    requestedAt: InstantSchema,
    requestedBy: z.string(),
    finishedAt: InstantSchema.nullable(),
    stores: z.array(
      z.object({
        store: z.enum(ERASURE_STORES).meta({
          description:
            'subjects: subject, factors, attempts; audit: the audit log; verifications: the log of verifications; scans: raw scans of the links of enrollments; deliveries: the log of webhooks, and what waits for notification channels; alerts: alerts and their mutes; answers: those kept for an Idempotency-Key; events: the event log',
        }),
        status: z
          .enum(['pending', 'done', 'expiring'])
          .meta({ description: 'expiring: cannot be taken out, and is gone by `until`' }),
        records: z.int().meta({ description: 'that were erased so far' }),
        finishedAt: InstantSchema.nullable(),
        until: InstantSchema.nullable(),
      }),
    ),
  })
  .meta({ id: 'Erasure' });
export type Erasure = z.output<typeof ErasureSchema>;
export const ErasurePageSchema = pageSchema(ErasureSchema);
export const ListErasuresQuerySchema = PageQuerySchema;
