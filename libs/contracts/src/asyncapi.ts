import { z } from 'zod';
import { EVENT_CONTENT_TYPE, eventSchemas, topics } from './events.js';

/** The AsyncAPI 3.0 document of the topics, generated from the schemas by which records are parsed. */
export function createAsyncApiDocument(version: string): object {
  const channels = Object.entries(topics).map(([name, spec]) => {
    const schema = eventSchemas[spec.name];
    const payload = schema ? z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' }) : {};
    const message = { name, contentType: EVENT_CONTENT_TYPE, payload };
    return [
      name,
      { address: spec.name, messages: { event: message }, bindings: { kafka: { partitions: spec.partitions } } },
    ];
  });
  const receive = Object.keys(topics).map((name) => [
    `receive-${name}`,
    { action: 'receive', channel: { $ref: `#/channels/${name}` } },
  ]);
  return {
    asyncapi: '3.0.0',
    info: { title: 'Signet events', version, license: { name: 'Apache-2.0' } },
    defaultContentType: EVENT_CONTENT_TYPE,
    channels: Object.fromEntries(channels),
    operations: Object.fromEntries(receive),
  };
}
