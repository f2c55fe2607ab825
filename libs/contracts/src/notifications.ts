import { z } from 'zod';
import { AlertKindSchema, SeveritySchema } from './alerts.js';
import { InstantSchema, lineSchema, PageQuerySchema, pageSchema, UuidSchema } from './primitives.js';
import { TargetUrlSchema } from './targets.js';

const HostSchema = z
  .string()
  .max(253)
  .regex(
    /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?)+$|^[0-9A-Fa-f:.]+$/,
    'must be a host name or an address',
  );
const PortSchema = z.int().min(1).max(65_535);

const CaSchema = z
  .string()
  .max(20_000)
  .startsWith('-----BEGIN CERTIFICATE-----')
  .meta({ description: 'of TLS: the authority in PEM, where it is not a public one' });

const EmailSettingsSchema = z.strictObject({
  kind: z.literal('email'),
  to: z.array(z.email().max(254)).min(1).max(20),
  from: z.email().max(254),
  host: HostSchema,
  port: PortSchema.default(587),
  security: z.enum(['starttls', 'tls', 'none']).default('starttls').meta({
    description:
      'starttls: required, never only tried (RFC 3207); tls: from the first byte (RFC 8314); none: in a network that is trusted',
  }),
  user: lineSchema(200).optional(),
  password: lineSchema(500).optional(),
  ca: CaSchema.optional(),
});

const ChatSettingsSchema = z.strictObject({
  kind: z.enum(['slack', 'teams']).meta({ description: 'the format; Mattermost and Rocket.Chat take that of slack' }),
  url: TargetUrlSchema.meta({ description: 'of an incoming webhook; it is a secret, and only its host is shown' }),
});

export const SYSLOG_FACILITY_AUDIT = 13;
const SyslogSettingsSchema = z.strictObject({
  kind: z.literal('syslog'),
  host: HostSchema,
  port: PortSchema.default(6514),
  transport: z.enum(['tls', 'tcp', 'udp']).default('tls').meta({
    description: 'RFC 5424 over tls (RFC 5425) or tcp (RFC 6587), octets counted, or udp (RFC 5426)',
  }),
  facility: z
    .int()
    .min(0)
    .max(23)
    .default(SYSLOG_FACILITY_AUDIT)
    .meta({ description: 'RFC 5424 §6.2.1; 13: log audit' }),
  ca: CaSchema.optional(),
});

export const ChannelSettingsSchema = z.discriminatedUnion('kind', [
  EmailSettingsSchema,
  ChatSettingsSchema,
  SyslogSettingsSchema,
]);
export type ChannelSettings = z.output<typeof ChannelSettingsSchema>;
export type EmailSettings = z.output<typeof EmailSettingsSchema>;
export type ChatSettings = z.output<typeof ChatSettingsSchema>;
export type SyslogSettings = z.output<typeof SyslogSettingsSchema>;
export const CHANNEL_KINDS = ['email', 'slack', 'teams', 'syslog'] as const;
export type ChannelKind = (typeof CHANNEL_KINDS)[number];

const choice = {
  minSeverity: SeveritySchema.default('medium'),
  alertKinds: z
    .array(AlertKindSchema)
    .min(1)
    .max(50)
    .nullable()
    .default(null)
    .meta({ description: 'of alerts; null: of every kind' }),
  resolved: z.boolean().default(false).meta({ description: 'whether the end of an alert is told, too' }),
  digestSeconds: z.int().min(0).max(86_400).default(60).meta({
    description:
      'what comes within so long after a message waits, and comes together in the next one; syslog has a record for each alert whatever this says',
  }),
};

export const CreateNotificationChannelSchema = z
  .strictObject({ name: lineSchema(200), settings: ChannelSettingsSchema, ...choice })
  .meta({ id: 'CreateNotificationChannel' });
export type CreateNotificationChannel = z.output<typeof CreateNotificationChannelSchema>;

export const UpdateNotificationChannelSchema = z
  .strictObject({
    name: lineSchema(200).optional(),
    settings: ChannelSettingsSchema.optional().meta({ description: 'all of them, secrets included' }),
    minSeverity: choice.minSeverity.removeDefault().optional(),
    alertKinds: choice.alertKinds.removeDefault().optional(),
    resolved: choice.resolved.removeDefault().optional(),
    digestSeconds: choice.digestSeconds.removeDefault().optional(),
    enabled: z
      .boolean()
      .optional()
      .meta({ description: 'false: nothing is told, and what happens meanwhile is not kept' }),
  })
  .refine((body) => Object.keys(body).length > 0, 'must change something')
  .meta({ id: 'UpdateNotificationChannel' });
export type UpdateNotificationChannel = z.output<typeof UpdateNotificationChannelSchema>;

export const NotificationChannelSchema = z
  .object({
    id: UuidSchema,
    name: z.string(),
    kind: z.enum(CHANNEL_KINDS),
    destination: z.string().meta({ description: 'for people, without secrets', examples: ['soc@example.org'] }),
    minSeverity: SeveritySchema,
    alertKinds: z.array(z.string()).nullable(),
    resolved: z.boolean(),
    digestSeconds: z.int(),
    enabled: z.boolean(),
    waiting: z.int().meta({ description: 'alerts that are still to be told' }),
    lastSentAt: InstantSchema.nullable(),
    lastFailure: z.string().nullable().meta({ description: 'why the last message did not go out; null: it did' }),
    failingSince: InstantSchema.nullable(),
    version: z.int(),
    createdAt: InstantSchema,
    updatedAt: InstantSchema,
    createdBy: z.string(),
  })
  .meta({ id: 'NotificationChannel' });
export type NotificationChannel = z.output<typeof NotificationChannelSchema>;
export const NotificationChannelPageSchema = pageSchema(NotificationChannelSchema);
export const ListNotificationChannelsQuerySchema = PageQuerySchema;

export const NotificationTestSchema = z
  .object({
    sent: z.boolean(),
    failure: z.string().nullable().meta({ description: 'what went wrong, as the other side or the network said it' }),
    milliseconds: z.int(),
  })
  .meta({ id: 'NotificationTest' });
export type NotificationTest = z.output<typeof NotificationTestSchema>;
