import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createAsyncApiDocument, createEventSchemas, createOpenApiDocument } from '@signet/contracts';
import type { FastifyInstance } from 'fastify';
import { SignetError } from '../errors.js';
import { version } from '../version.js';
import { sendProblem } from './problem.js';

const assets: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};
const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width" />
    <title>Signet API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css" />
    <link rel="icon" href="/docs/favicon-32x32.png" />
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;
const start = `SwaggerUIBundle({ url: '/v1/openapi.json', dom_id: '#swagger-ui', deepLinking: true, persistAuthorization: false });\n`;
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'";

/**
 * `/v1/openapi.json`, `/v1/asyncapi.json`, `/v1/schemas` and the browsable `/docs`, all from the contract's schemas.
 */
export function registerDocsRoutes(fastify: FastifyInstance, publicUrl: string): void {
  const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  const openApi = JSON.stringify(createOpenApiDocument(publicUrl, version));
  const asyncApi = JSON.stringify(createAsyncApiDocument(version));
  const send = (path: string, type: string, body: string | Buffer): void => {
    fastify.get(path, (_request, reply) =>
      reply
        .header('Content-Type', type)
        .header('X-Content-Type-Options', 'nosniff')
        .header('Content-Security-Policy', policy)
        .send(body),
    );
  };
  send('/v1/openapi.json', 'application/json', openApi);
  send('/v1/asyncapi.json', 'application/json', asyncApi);
  const schemas = createEventSchemas();
  send('/v1/schemas', 'application/json', JSON.stringify({ items: [...schemas.keys()] }));
  fastify.get<{ Params: { urn: string } }>('/v1/schemas/:urn', (request, reply) => {
    const schema = schemas.get(request.params.urn);
    if (!schema) return sendProblem(new SignetError('not-found'), request, reply);
    return reply
      .header('Content-Type', 'application/schema+json')
      .header('X-Content-Type-Options', 'nosniff')
      .send(JSON.stringify(schema));
  });
  send('/docs', 'text/html; charset=utf-8', page);
  send('/docs/start.js', 'text/javascript; charset=utf-8', start);
  for (const [asset, type] of Object.entries(assets)) send(`/docs/${asset}`, type, readFileSync(join(folder, asset)));
}
