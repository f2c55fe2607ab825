import { z } from 'zod';
import { AlertEventDataSchema } from './alerts.js';
import { AuditCheckpointSchema } from './audit.js';
import {
  AlertEventSchema,
  AnyEventSchema,
  CodeEventDataSchema,
  CodeEventSchema,
  dataSchemaUrn,
  EnrollmentEventDataSchema,
  EnrollmentEventSchema,
  EVENT_CONTENT_TYPE,
  RollupEventSchema,
  ScanEventSchema,
  topics,
  VerificationDataSchema,
  VerificationEventSchema,
  type TopicSpec,
} from './events.js';

interface EventType {
  type: string;
  topic: keyof typeof topics;
  data: z.ZodType;
}

/** Every type that has a schema of its own, as records of its topic are parsed by it. */
const eventTypes: readonly EventType[] = [
  ...CodeEventSchema.shape.type.options.map((type) => ({ type, topic: 'codes' as const, data: CodeEventDataSchema })),
  ...ScanEventSchema.options.map(({ shape }) => ({
    type: shape.type.value,
    topic: 'scans' as const,
    data: shape.data,
  })),
  ...EnrollmentEventSchema.shape.type.options.map((type) => ({
    type,
    topic: 'enrollments' as const,
    data: EnrollmentEventDataSchema,
  })),
  ...VerificationEventSchema.shape.type.options.map((type) => ({
    type,
    topic: 'verifications' as const,
    data: VerificationDataSchema,
  })),
  {
    type: RollupEventSchema.shape.type.value,
    topic: 'analytics',
    data: RollupEventSchema.shape.data,
  },
  ...AlertEventSchema.shape.type.options.map((type) => ({
    type,
    topic: 'alerts' as const,
    data: AlertEventDataSchema,
  })),
  { type: 'audit.checkpoint', topic: 'alerts', data: AuditCheckpointSchema },
];

/** Records of the dead-letter topic, which are no events. */
const DeadLetterSchema = z.object({
  reason: z.enum(['unreadable', 'failed']),
  detail: z.string(),
  topic: z.string(),
  partition: z.int(),
  offset: z.string().regex(/^\d+$/),
  key: z.string(),
  value: z.base64().meta({ description: 'the bytes of the record' }),
});

const keys: Readonly<Record<keyof typeof topics, string>> = {
  codes: 'the id of the code',
  scans: 'the id of the code; `unknown` for a slug that is none',
  enrollments: 'the UUID of the subject',
  verifications: 'the UUID of the subject; of a name that is nobody’s, of the verification',
  analytics: '{code id}|{interval}|{start of the window}',
  alerts: 'the id of the workspace',
  deadLetter: 'the topic of the record',
};

const DAY_MS = 86_400_000;

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** What is read may hold more fields than are known: `io: 'input'` says nothing of those. */
const toJsonSchema = (schema: z.ZodType): JsonSchema =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' });

/** JSON Schemas (2020-12) of the data of events, by their `dataschema` URN, which is also their `$id`. */
export function createEventSchemas(): ReadonlyMap<string, JsonSchema> {
  return new Map(
    eventTypes.map(({ type, data }) => {
      const urn = dataSchemaUrn(type);
      const { $schema, $defs = {}, $ref = '', ...inline } = toJsonSchema(data);
      // A schema with a name is only referred to; here it is what is asked for.
      const named = $defs[$ref.replace('#/$defs/', '')];
      return [urn, { $schema, $id: urn, title: type, ...inline, ...named, $defs }];
    }),
  );
}

/** The envelope with the data of one type. */
const envelopeOf = ({ type, data }: EventType): z.ZodType =>
  AnyEventSchema.extend({ type: z.literal(type), dataschema: z.literal(dataSchemaUrn(type)), data });

/** Schemas by name, with those that they refer to beside them, as a document has its components. */
function componentsOf(schemas: readonly (readonly [string, z.ZodType])[]): Record<string, object> {
  const components: Record<string, object> = {};
  for (const [name, schema] of schemas) {
    const text = JSON.stringify(toJsonSchema(schema)).replaceAll('"#/$defs/', '"#/components/schemas/');
    const { $schema: _dialect, $defs = {}, ...rest }: JsonSchema = JSON.parse(text);
    Object.assign(components, { [name]: rest }, $defs);
  }
  return components;
}

function messageOf(topic: keyof typeof topics, type: string, title: string): object {
  return {
    name: type,
    title,
    contentType: EVENT_CONTENT_TYPE,
    payload: { $ref: `#/components/schemas/${type}` },
    bindings: { kafka: { key: { type: 'string', description: keys[topic] } } },
  };
}

function kafkaBinding({ name, partitions, cleanup, retentionDays }: TopicSpec): object {
  return {
    topic: name,
    partitions,
    topicConfiguration: {
      'cleanup.policy': cleanup.split(','),
      ...(retentionDays && { 'retention.ms': retentionDays * DAY_MS }),
    },
  };
}

/**
 * The AsyncAPI 3.0 document of what Signet sends, generated from the schemas by which records are parsed: the topics on
 * Kafka, and the same events as server-sent events and in webhooks.
 */
export function createAsyncApiDocument(version: string): object {
  const typesOf = (topic: keyof typeof topics): readonly string[] => {
    const types = eventTypes.filter((event) => event.topic === topic).map(({ type }) => type);
    return types.length > 0 ? types : [topic === 'deadLetter' ? 'deadLetter' : 'event'];
  };
  const names = Object.keys(topics).filter((name): name is keyof typeof topics => name in topics);
  const toMessage = (type: string): [string, object] => [type, { $ref: `#/components/messages/${type}` }];
  const messagesOf = (...some: (keyof typeof topics)[]): object =>
    Object.fromEntries(some.flatMap((name) => typesOf(name).map(toMessage)));
  const channels = names.map((name) => [
    name,
    {
      address: topics[name].name,
      messages: messagesOf(name),
      bindings: { kafka: kafkaBinding(topics[name]) },
    },
  ]);
  const send = [...names, 'stream', 'webhooks'].map((name) => [
    `send-${name}`,
    { action: 'send', channel: { $ref: `#/channels/${name}` } },
  ]);
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Signet events',
      version,
      description:
        'CloudEvents 1.0 in structured mode. `id` is the identity of an event, and its bytes are the same on Kafka, as a server-sent event and in a webhook. Readers tolerate fields and types that they do not know.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: EVENT_CONTENT_TYPE,
    channels: {
      ...Object.fromEntries(channels),
      stream: {
        address: '/v1/stream',
        title: 'Server-sent events',
        description:
          '`data` is the event, `id` a cursor that `Last-Event-ID` resumes from. GET, scope `analytics:read`.',
        messages: messagesOf('scans', 'verifications', 'analytics', 'alerts'),
      },
      webhooks: {
        address: null,
        title: 'Webhooks, signed by Standard Webhooks',
        description: 'POST to the endpoint’s URL; the body is the event.',
        messages: messagesOf('codes', 'scans', 'enrollments', 'verifications', 'alerts'),
      },
    },
    operations: Object.fromEntries(send),
    components: {
      messages: Object.fromEntries([
        ...eventTypes.map(({ topic, type }) => [type, messageOf(topic, type, type)]),
        ['event', messageOf('alerts', 'event', 'An event whose data has no schema of its own')],
        [
          'deadLetter',
          { ...messageOf('deadLetter', 'deadLetter', 'A record that was put aside'), contentType: 'application/json' },
        ],
      ]),
      schemas: componentsOf([
        ...eventTypes.map((event) => [event.type, envelopeOf(event)] as const),
        ['event', AnyEventSchema],
        ['deadLetter', DeadLetterSchema],
      ]),
    },
  };
}
