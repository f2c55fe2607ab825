import { z } from 'zod';
import { InstantSchema, lineSchema, PageQuerySchema, pageSchema, ReasonSchema, UuidSchema } from './primitives.js';
import { SubjectNameSchema } from './subjects.js';

export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const;
export const SeveritySchema = z.enum(SEVERITIES);
export type Severity = z.infer<typeof SeveritySchema>;

/** What is alerted of, such as `impossible_travel` or `webhook_disabled`: docs/using/alerts.md names them. */
export const AlertKindSchema = z.string().regex(/^[a-z][a-z_]{1,48}[a-z]$/, 'must be the kind of an alert');

export const ALERT_STATUSES = ['open', 'acknowledged', 'resolved'] as const;
export const AlertStatusSchema = z.enum(ALERT_STATUSES);

/** What may be done of itself. `alert` alone: nothing but telling. Nothing is ever denied by a rule. */
export const ALERT_ACTIONS = ['alert', 'step_up', 'pause_code', 'revoke_code'] as const;
export const AlertActionSchema = z.enum(ALERT_ACTIONS);
export type AlertAction = z.infer<typeof AlertActionSchema>;

const numbers = z.record(z.string(), z.number());

export const AlertSchema = z
  .object({
    id: UuidSchema,
    kind: AlertKindSchema,
    severity: SeveritySchema,
    status: AlertStatusSchema,
    sentence: z.string().meta({ description: 'what happened, for people' }),
    signal: z.string().meta({ description: 'what was measured', examples: ['failed verifications in a minute'] }),
    numbers: numbers.meta({ description: 'what was observed, when it was raised or happened last' }),
    threshold: numbers.meta({ description: 'beyond which it is alerted of' }),
    evidence: z.array(UuidSchema).meta({ description: 'events that show it, the newest last, 20 at most' }),
    codeId: UuidSchema.nullable(),
    subject: z.string().nullable(),
    network: z.string().nullable().meta({ description: 'the addresses it came from, truncated' }),
    actions: z.array(AlertActionSchema).meta({ description: 'what Signet does of itself' }),
    stepUpUntil: InstantSchema.nullable().meta({ description: 'of the action step_up: how long more is demanded' }),
    shadow: z.boolean().meta({ description: 'of a rule that is tried out: told to nobody, and nothing is done' }),
    muted: z.boolean().meta({ description: 'told to nobody, and nothing is done, because somebody muted such alerts' }),
    count: z.int().meta({ description: 'how often it happened; one open alert counts what comes after it' }),
    firstAt: InstantSchema.meta({ description: 'when it happened first' }),
    lastAt: InstantSchema.meta({ description: 'when it happened last' }),
    raisedAt: InstantSchema,
    assignee: z.string().nullable(),
    acknowledgedAt: InstantSchema.nullable(),
    acknowledgedBy: z.string().nullable(),
    resolvedAt: InstantSchema.nullable(),
    resolvedBy: z.string().nullable().meta({ description: '`system`: nothing of it had happened any more' }),
    resolution: z.string().nullable(),
    resolvesAt: InstantSchema.nullable().meta({ description: 'when it resolves by itself unless it happens again' }),
  })
  .meta({ id: 'Alert' });
export type Alert = z.output<typeof AlertSchema>;
export const AlertPageSchema = pageSchema(AlertSchema);

/** What `alert.raised` and `alert.resolved` carry: the alert as it is then. */
export const AlertEventDataSchema = AlertSchema.extend({ workspaceId: UuidSchema }).meta({ id: 'AlertChanged' });
export type AlertEventData = z.output<typeof AlertEventDataSchema>;

const flag = (description: string) =>
  z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .meta({ description });

export const ListAlertsQuerySchema = PageQuerySchema.extend({
  status: AlertStatusSchema.optional(),
  kind: AlertKindSchema.optional(),
  severity: SeveritySchema.optional(),
  codeId: UuidSchema.optional(),
  subject: SubjectNameSchema.optional(),
  assignee: lineSchema(200).optional(),
  shadow: flag('true: those of rules that are tried out; they are left out otherwise'),
  muted: flag('true: only those that were muted; false: none of them'),
  from: InstantSchema.optional().meta({ description: 'raised then or later' }),
  to: InstantSchema.optional().meta({ description: 'raised before' }),
});
export type ListAlertsQuery = z.output<typeof ListAlertsQuerySchema>;

export const AssignAlertSchema = z
  .strictObject({ assignee: lineSchema(200).nullable().meta({ description: 'whoever you call so; null: nobody' }) })
  .meta({ id: 'AssignAlert' });
export const ResolveAlertSchema = z
  .strictObject({
    resolution: ReasonSchema.optional().meta({ description: 'what was found, for those who read it later' }),
  })
  .meta({ id: 'ResolveAlert' });

const DAY_SECONDS = 86_400;
const muteOf = {
  kind: AlertKindSchema.optional(),
  codeId: UuidSchema.optional(),
  subject: SubjectNameSchema.optional(),
};

export const CreateAlertMuteSchema = z
  .strictObject({
    ...muteOf,
    seconds: z
      .int()
      .min(60)
      .max(90 * DAY_SECONDS)
      .meta({ description: 'for how long, from now; 90 days at most' }),
    reason: ReasonSchema.optional(),
  })
  .refine(({ kind, codeId, subject }) => kind !== undefined || codeId !== undefined || subject !== undefined, {
    message: 'must name a kind, a code or a subject',
    path: ['kind'],
  })
  .meta({ id: 'CreateAlertMute' });
export type CreateAlertMute = z.output<typeof CreateAlertMuteSchema>;

export const AlertMuteSchema = z
  .object({
    id: UuidSchema,
    kind: AlertKindSchema.nullable(),
    codeId: UuidSchema.nullable(),
    subject: z.string().nullable(),
    until: InstantSchema,
    reason: z.string().nullable(),
    createdAt: InstantSchema,
    createdBy: z.string(),
  })
  .meta({ id: 'AlertMute', description: 'Alerts that agree with everything it names are muted' });
export type AlertMute = z.output<typeof AlertMuteSchema>;
export const AlertMutePageSchema = pageSchema(AlertMuteSchema);
