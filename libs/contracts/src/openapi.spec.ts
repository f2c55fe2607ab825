import { Ajv2020 } from 'ajv/dist/2020.js';
import { scopeCovers } from './access.js';
import { eventSchemas, topics } from './events.js';
import { createOpenApiDocument } from './openapi.js';
import { operations, type OperationSpec } from './operations.js';
import { problems } from './problems.js';
import { z } from 'zod';

const DocumentSchema = z.object({
  openapi: z.literal('3.1.0'),
  paths: z.record(
    z.string(),
    z.record(z.string(), z.looseObject({ operationId: z.string(), responses: z.record(z.string(), z.unknown()) })),
  ),
  components: z.looseObject({ schemas: z.record(z.string(), z.record(z.string(), z.unknown())) }),
});

describe('the OpenAPI document', () => {
  const document = DocumentSchema.parse(createOpenApiDocument('https://qr.example', '1'));

  it('has every operation of the contract, under its own name', () => {
    for (const [name, spec] of Object.entries(operations))
      expect(document.paths[spec.path]?.[spec.method.toLowerCase()]?.operationId).toBe(name);
  });

  it('tells of the success and of each problem that a call can have', () => {
    const specs: Record<string, OperationSpec> = operations;
    for (const spec of Object.values(specs)) {
      const { responses } = document.paths[spec.path]?.[spec.method.toLowerCase()] ?? { responses: {} };
      const expected = [
        spec.status,
        ...(spec.problems ?? []).map((kind) => problems[kind].status),
        ...(spec.scope === 'public' ? [] : [401, 403]),
      ];
      for (const status of expected) expect(Object.keys(responses)).toContain(String(status));
    }
  });

  it('holds schemas that a JSON Schema validator takes', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: 'openapi', components: document.components });
    for (const name of Object.keys(document.components.schemas))
      expect(() => ajv.compile({ $ref: `openapi#/components/schemas/${name}` })).not.toThrow();
  });
});

describe('events', () => {
  const event = {
    specversion: '1.0',
    id: '0192f0c0-0000-7000-8000-000000000000',
    source: '/signet/redirect/a',
    subject: 'x',
    time: '2026-01-01T00:00:00.000Z',
    datacontenttype: 'application/json',
    dataschema: 'urn:x',
    sequence: '1',
    type: 'scan.recorded',
    data: { outcome: 'not_found', at: '2026-01-01T00:00:00.000Z', bot: false, preview: false },
  };
  const schema = eventSchemas[topics.scans.name];

  it('may carry fields that a reader does not know yet', () => {
    expect(schema?.safeParse({ ...event, traceparent: 'x', data: { ...event.data, later: 1 } }).success).toBe(true);
  });
  it.each([{ id: 'x' }, { sequence: '-1' }, { type: 'scan.unheard' }, { data: { outcome: 'maybe' } }, { time: 'now' }])(
    'are refused with %j',
    (wrong) => {
      expect(schema?.safeParse({ ...event, ...wrong }).success).toBe(false);
    },
  );
});

describe('scopes', () => {
  it('let write do what read may, and nothing else do another’s', () => {
    expect(scopeCovers(['codes:write'], 'codes:read')).toBe(true);
    expect(scopeCovers(['codes:read'], 'codes:write')).toBe(false);
    expect(scopeCovers(['admin'], 'codes:read')).toBe(false);
    expect(scopeCovers(['verify'], 'verify:reason')).toBe(false);
  });
});
