import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { z } from 'zod';
import { createAsyncApiDocument, createEventSchemas } from './asyncapi.js';
import { eventSchemas, topics } from './events.js';

const DocumentSchema = z.object({
  channels: z.record(
    z.string(),
    z.looseObject({ address: z.string().nullable(), messages: z.record(z.string(), z.unknown()) }),
  ),
  components: z.object({
    messages: z.record(z.string(), z.unknown()),
    schemas: z.record(z.string(), z.record(z.string(), z.unknown())),
  }),
});

const event = {
  specversion: '1.0',
  id: '0192f0c0-0000-7000-8000-000000000000',
  source: '/signet/redirect/a',
  subject: 'x',
  time: '2026-01-01T00:00:00.000Z',
  datacontenttype: 'application/json',
  dataschema: 'urn:signet:event:scan.recorded:v1',
  sequence: '1',
  type: 'scan.recorded',
  data: { outcome: 'not_found', at: '2026-01-01T00:00:00.000Z', bot: false, preview: false },
};

describe('the AsyncAPI document', () => {
  const document = createAsyncApiDocument('1');
  const { channels, components } = DocumentSchema.parse(document);

  // asyncapi-3.0.0.schema.json is the official schema, from @asyncapi/specs 6.11 (Apache-2.0).
  it('is valid by the official schema of AsyncAPI 3.0', () => {
    const ajv = addFormats.default(new Ajv({ strict: false, meta: false, validateSchema: false }));
    const schema: object = JSON.parse(readFileSync(new URL('../asyncapi-3.0.0.schema.json', import.meta.url), 'utf8'));
    const validate = ajv.compile(schema);
    validate(JSON.parse(JSON.stringify(document)));
    expect(validate.errors).toBeNull();
    validate({ asyncapi: '3.0.0', channels: [] });
    expect(validate.errors).not.toBeNull();
  });

  it('has a channel for each topic, with the partitions that Signet creates, and the stream and the webhooks', () => {
    for (const [name, { name: address, partitions }] of Object.entries(topics))
      expect(channels[name]).toMatchObject({ address, bindings: { kafka: { topic: address, partitions } } });
    expect(Object.keys(channels)).toEqual([...Object.keys(topics), 'stream', 'webhooks']);
  });

  it('refers to nothing that is not in it', () => {
    const text = JSON.stringify(document);
    const missing = Array.from(text.matchAll(/"\$ref":"#\/([^"]+)"/g), ([, path = '']) => path).filter((path) => {
      const found = path
        .split('/')
        .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document);
      return found === undefined;
    });
    expect(missing).toEqual([]);
  });

  it('describes an event as it is parsed: what one refuses, the other refuses', () => {
    const ajv = addFormats.default(new Ajv2020({ strict: false }));
    ajv.addSchema({ $id: 'asyncapi', components });
    const validate = ajv.compile({ $ref: 'asyncapi#/components/schemas/scan.recorded' });
    const parse = (value: unknown): boolean => eventSchemas[topics.scans.name]?.safeParse(value).success ?? false;
    for (const change of [
      {},
      { later: 1 },
      { data: { ...event.data, later: 1 } },
      { id: 'x' },
      { sequence: '-1' },
      { time: 'now' },
      { data: { outcome: 'maybe' } },
      { data: { ...event.data, bot: 'no' } },
    ]) {
      const changed = { ...event, ...change };
      expect([change, validate(changed)]).toEqual([change, parse(changed)]);
    }
  });
});

describe('the schemas of events', () => {
  it('are found by the dataschema of an event, are their own $id, and fit its data', () => {
    const schemas = createEventSchemas();
    for (const [urn, schema] of schemas) {
      expect(schema).toMatchObject({ $id: urn, type: 'object' });
      expect(() => addFormats.default(new Ajv2020({ strict: false })).compile(schema)).not.toThrow();
    }
    const validate = addFormats.default(new Ajv2020({ strict: false })).compile(schemas.get(event.dataschema) ?? false);
    expect(validate(event.data)).toBe(true);
    expect(validate({ ...event.data, outcome: 'maybe' })).toBe(false);
  });
});
