import { z } from 'zod';
import { InstantSchema, lineSchema, PageQuerySchema, pageSchema, UuidSchema } from './primitives.js';
import { TargetUrlSchema } from './targets.js';

/** What an event's type can begin with. */
const EVENT_SUBJECTS = [
  'code',
  'scan',
  'enrollment',
  'factor',
  'subject',
  'verification',
  'challenge',
  'session',
  'alert',
];
const PATTERN = new RegExp(String.raw`^(\*|(${EVENT_SUBJECTS.join('|')})\.(\*|[a-z_]{1,40}))$`);

export const EventPatternSchema = z
  .string()
  .regex(
    PATTERN,
    `must be an event type, as code.revoked, or one with a star: code.*; before the dot ${EVENT_SUBJECTS.join(', ')}`,
  )
  .meta({ examples: ['scan.recorded', 'code.*'] });

export const WEBHOOK_SIGNATURES = ['hmac', 'ed25519'] as const;
export const WebhookSignatureSchema = z.enum(WEBHOOK_SIGNATURES);
export type WebhookSignature = z.infer<typeof WebhookSignatureSchema>;

const editable = {
  url: TargetUrlSchema,
  events: z.array(EventPatternSchema).min(1).max(50),
  description: lineSchema(500).nullable().optional(),
};

export const CreateWebhookSchema = z
  .strictObject({
    ...editable,
    signature: WebhookSignatureSchema.default('hmac').meta({
      description: 'of the Standard Webhooks specification: v1 (hmac, a shared secret) or v1a (ed25519, a public key)',
    }),
  })
  .meta({ id: 'CreateWebhook' });
export type CreateWebhook = z.output<typeof CreateWebhookSchema>;

export const UpdateWebhookSchema = z
  .strictObject({
    url: editable.url.optional(),
    events: editable.events.optional(),
    description: editable.description,
    enabled: z
      .boolean()
      .optional()
      .meta({ description: 'false: no new event is queued; what is queued goes out when it is enabled again' }),
  })
  .refine((body) => Object.keys(body).length > 0, 'must change something')
  .meta({ id: 'UpdateWebhook' });
export type UpdateWebhook = z.output<typeof UpdateWebhookSchema>;

export const WebhookSchema = z
  .object({
    id: UuidSchema,
    url: z.string(),
    events: z.array(z.string()),
    description: z.string().nullable(),
    signature: WebhookSignatureSchema,
    publicKeys: z.array(z.string()).meta({ description: 'of ed25519, those in force, the newest first' }),
    enabled: z.boolean(),
    disabledReason: z
      .enum(['by-request', 'gone', 'failing'])
      .nullable()
      .meta({ description: 'gone: it answered 410; failing: nothing but failures for five days' }),
    failingSince: InstantSchema.nullable().meta({ description: 'the first failure since the last success' }),
    version: z.int(),
    createdAt: InstantSchema,
    updatedAt: InstantSchema,
    createdBy: z.string(),
  })
  .meta({ id: 'Webhook' });
export type Webhook = z.output<typeof WebhookSchema>;
export const WebhookPageSchema = pageSchema(WebhookSchema);

const secret = z.string().nullable().meta({ description: 'of hmac, shown once; null for ed25519' });
export const CreatedWebhookSchema = WebhookSchema.extend({ secret }).meta({ id: 'CreatedWebhook' });
export type CreatedWebhook = z.output<typeof CreatedWebhookSchema>;

export const RotateWebhookSecretSchema = z
  .strictObject({
    overlapSeconds: z
      .int()
      .min(0)
      .max(7 * 86_400)
      .default(86_400)
      .meta({ description: 'how long the former key signs as well; 0: it leaked' }),
  })
  .meta({ id: 'RotateWebhookSecret' });
export const RotatedWebhookSchema = CreatedWebhookSchema.extend({
  formerUntil: InstantSchema.nullable(),
}).meta({ id: 'RotatedWebhook' });
export type RotatedWebhook = z.output<typeof RotatedWebhookSchema>;

export const DELIVERY_STATES = ['pending', 'delivered', 'failed'] as const;
export const DeliveryStateSchema = z.enum(DELIVERY_STATES);
export type DeliveryState = z.infer<typeof DeliveryStateSchema>;

export const WebhookDeliverySchema = z
  .object({
    id: UuidSchema,
    eventId: UuidSchema,
    eventType: z.string(),
    state: DeliveryStateSchema,
    attempts: z.int(),
    nextAttemptAt: InstantSchema.nullable(),
    lastStatus: z.int().nullable().meta({ description: 'HTTP status of the last answer' }),
    lastFailure: z.string().nullable(),
    createdAt: InstantSchema,
    endedAt: InstantSchema.nullable(),
  })
  .meta({ id: 'WebhookDelivery' });
export type WebhookDelivery = z.output<typeof WebhookDeliverySchema>;
export const WebhookDeliveryPageSchema = pageSchema(WebhookDeliverySchema);

export const ListDeliveriesQuerySchema = PageQuerySchema.extend({
  state: DeliveryStateSchema.optional(),
  eventType: z.string().max(80).optional(),
});
export type ListDeliveriesQuery = z.output<typeof ListDeliveriesQuerySchema>;

export const DeliveryAttemptSchema = z
  .object({
    number: z.int(),
    at: InstantSchema,
    milliseconds: z.int(),
    status: z.int().nullable(),
    failure: z.string().nullable(),
    responseType: z.string().nullable(),
    responseBody: z.string().nullable().meta({ description: 'its first 1,024 bytes' }),
  })
  .meta({ id: 'DeliveryAttempt' });
export type DeliveryAttempt = z.output<typeof DeliveryAttemptSchema>;

export const WebhookDeliveryDetailSchema = WebhookDeliverySchema.extend({
  event: z.unknown().meta({ description: 'the CloudEvent as it was sent' }),
  log: z.array(DeliveryAttemptSchema),
}).meta({ id: 'WebhookDeliveryDetail' });
export type WebhookDeliveryDetail = z.output<typeof WebhookDeliveryDetailSchema>;

export const ReplayWebhookSchema = z
  .strictObject({
    deliveryId: UuidSchema.optional(),
    from: InstantSchema.optional().meta({ description: 'from when on everything in the event log is sent again' }),
    to: InstantSchema.optional(),
    failedOnly: z.boolean().optional().meta({ description: 'of the range, only what was never delivered' }),
  })
  .refine(({ deliveryId, from }) => (deliveryId === undefined) !== (from === undefined), {
    message: 'must name a delivery, or from when on',
  })
  .refine(
    ({ deliveryId, to, failedOnly }) => deliveryId === undefined || (to === undefined && failedOnly === undefined),
    {
      message: 'goes with `from` only',
      path: ['to'],
    },
  )
  .meta({ id: 'ReplayWebhook' });
export type ReplayWebhook = z.output<typeof ReplayWebhookSchema>;
export const ReplayedWebhookSchema = z
  .object({ queued: z.int().meta({ description: 'deliveries that will be made' }) })
  .meta({ id: 'ReplayedWebhook' });

/** What `POST /v1/webhooks/{id}/test` got for its event. */
export const WebhookTestSchema = DeliveryAttemptSchema.omit({ number: true })
  .extend({ delivered: z.boolean() })
  .meta({ id: 'WebhookTest' });
export type WebhookTest = z.output<typeof WebhookTestSchema>;
