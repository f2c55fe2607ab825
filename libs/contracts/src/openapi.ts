import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponseObject,
} from 'zod-openapi';
import { operations, type OperationSpec } from './operations.js';
import { problems, ProblemSchema, type ProblemKind } from './problems.js';

const everyCall: readonly ProblemKind[] = ['too-many-requests', 'unavailable'];
const withInput: readonly ProblemKind[] = ['invalid-request'];
const withBody: readonly ProblemKind[] = ['unreadable-request', 'unsupported-media-type', 'body-too-large'];
const withKey: readonly ProblemKind[] = ['unauthenticated', 'forbidden'];

function problemsOf(spec: OperationSpec): ProblemKind[] {
  return [
    ...(spec.params || spec.query || spec.body ? withInput : []),
    ...(spec.body || spec.bodyTypes ? withBody : []),
    ...(spec.scope === 'public' ? [] : withKey),
    ...(spec.problems ?? []),
    ...everyCall,
  ];
}

type Responses = Record<`${1 | 2 | 3 | 4 | 5}${string}`, ZodOpenApiResponseObject>;

function responsesOf(spec: OperationSpec): Responses {
  const responses: Responses = {};
  for (const kind of problemsOf(spec)) {
    const { status, title } = problems[kind];
    const described = responses[`${status}`];
    const line = `\`${kind}\`: ${title}`;
    responses[`${status}`] = {
      description: described ? `${described.description}; ${line}` : line,
      content: { 'application/problem+json': { schema: ProblemSchema } },
    };
  }
  const types = spec.answerTypes?.map((type) => [type, { schema: { type: 'string' as const } }]);
  responses[`${spec.status}`] = {
    description: spec.summary,
    ...(spec.answer ? { content: { 'application/json': { schema: spec.answer } } } : {}),
    ...(types ? { content: Object.fromEntries(types) } : {}),
  };
  return responses;
}

function scopeText({ scope, orScope }: OperationSpec): string | undefined {
  if (scope === 'public' || scope === 'any-key') return undefined;
  return `Scope: \`${scope}\`${orScope ? ` or \`${orScope}\`` : ''}`;
}

const streamOf = (types: readonly string[]) => ({
  required: true,
  content: Object.fromEntries(types.map((type) => [type, { schema: { type: 'string' as const } }])),
});

function operationOf(name: string, spec: OperationSpec): ZodOpenApiOperationObject {
  const header = {
    name: 'Idempotency-Key',
    in: 'header' as const,
    schema: { type: 'string' as const, maxLength: 200 },
  };
  return {
    operationId: name,
    tags: [spec.tag],
    summary: spec.summary,
    description: scopeText(spec),
    security: spec.scope === 'public' ? [] : [{ apiKey: [] }],
    requestParams: { ...(spec.params ? { path: spec.params } : {}), ...(spec.query ? { query: spec.query } : {}) },
    ...(spec.idempotent ? { parameters: [header] } : {}),
    ...(spec.body ? { requestBody: { required: true, content: { 'application/json': { schema: spec.body } } } } : {}),
    ...(spec.bodyTypes ? { requestBody: streamOf(spec.bodyTypes) } : {}),
    responses: responsesOf(spec),
  };
}

/** The OpenAPI 3.1 document of the whole product, whichever service serves it. */
export function createOpenApiDocument(serverUrl: string, version: string): object {
  const paths: ZodOpenApiPathsObject = {};
  for (const [name, spec] of Object.entries(operations))
    paths[spec.path] = { ...paths[spec.path], [spec.method.toLowerCase()]: operationOf(name, spec) };
  return createDocument({
    openapi: '3.1.0',
    info: { title: 'Signet', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: serverUrl }],
    paths,
    components: { securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', bearerFormat: 'sgk_…' } } },
  });
}
