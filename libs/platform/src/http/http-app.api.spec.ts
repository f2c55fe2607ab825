import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { Controller, Module } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { InputOf } from '@signet/contracts';
import type { FastifyInstance } from 'fastify';
import { SystemClock } from '../clock.js';
import { loadConfig } from '../config.js';
import { SignetError } from '../errors.js';
import { Health } from '../health.js';
import { createLogger } from '../logging.js';
import { createMetrics } from '../metrics.js';
import type { Platform } from '../platform.js';
import { registerDocsRoutes } from './docs-routes.js';
import { createHttpApp } from './http-app.js';
import { Input, Operation } from './operation.js';
import { registerOperationsRoutes } from './operations-routes.js';

@Controller()
class EchoController {
  @Operation('createApiKey')
  create(@Input() { body }: InputOf<'createApiKey'>): object {
    return body;
  }
  @Operation('getCode')
  get(@Input() { params }: InputOf<'getCode'>): object {
    return params;
  }
  @Operation('listCodes')
  list(@Input() { query }: InputOf<'listCodes'>): object {
    return query;
  }
  @Operation('whoami')
  fail(): object {
    throw new Error('a bug that says SECRET');
  }
  @Operation('verifyAudit')
  away(): object {
    throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  }
  @Operation('deleteApiKey')
  wait(): object {
    throw new SignetError('too-many-requests', { retryAfter: 1.2, detail: 'slower' });
  }
}

@Module({ controllers: [EchoController] })
class EchoModule {}

describe('the HTTP edge', () => {
  let app: NestFastifyApplication;
  const health = new Health();
  const json = { 'content-type': 'application/json' };
  const post = (payload: string, headers: Record<string, string> = json) =>
    app.inject({ method: 'POST', url: '/v1/api-keys', payload, headers });

  beforeAll(async () => {
    const config = loadConfig({});
    const metrics = createMetrics('test');
    const logger = createLogger({ service: 'test', instance: 'test', level: 'silent' });
    const edge = { service: 'test', config, logger, metrics, health, clock: new SystemClock() };
    app = await createHttpApp(EchoModule, edge as unknown as Platform);
    registerOperationsRoutes(app.getHttpAdapter().getInstance(), { config, metrics, health });
    registerDocsRoutes(app.getHttpAdapter().getInstance(), 'https://qr.example');
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
  });
  afterAll(() => app.close());

  it('hands a method the parsed request and answers with the status of the contract', async () => {
    const answer = await post('{"name":"ci","scopes":["verify"],"expiresAt":"2030-01-01T01:00:00+01:00"}');
    expect(answer.statusCode).toBe(201);
    expect(answer.json()).toEqual({ name: 'ci', scopes: ['verify'], expiresAt: '2030-01-01T00:00:00.000Z' });
    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('names every wrong field of a body with 422', async () => {
    const answer = await post('{"name":7,"scopes":["verify","root"],"colour":"red"}');
    expect(answer.statusCode).toBe(422);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    const problem = answer.json();
    expect(problem).toMatchObject({ type: 'urn:signet:problem:invalid-request', status: 422 });
    expect(problem.errors.map(({ path }: { path: string }) => path)).toEqual(['name', 'scopes.1', 'colour']);
  });

  it.each([
    ['unreadable JSON', '{"name":', json, 400, 'unreadable-request'],
    ['an empty body', '', json, 422, 'invalid-request'],
    ['a prototype in the JSON', '{"__proto__":{"admin":true}}', json, 400, 'unreadable-request'],
    ['a form', 'name=ci', { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'unsupported-media-type'],
    ['plain text', 'ci', { 'content-type': 'text/plain' }, 415, 'unsupported-media-type'],
    ['a body over 1 MB', JSON.stringify({ name: 'x'.repeat(1024 * 1024) }), json, 413, 'body-too-large'],
  ])('refuses %s', async (_what, payload, headers, status, kind) => {
    const answer = await post(payload, headers);
    expect(answer.statusCode).toBe(status);
    expect(answer.json()).toMatchObject({ type: `urn:signet:problem:${kind}`, status, detail: expect.any(String) });
  });

  it('says what is wrong with a query, and 404 to what cannot be an id', async () => {
    const limit = await app.inject('/v1/codes?limit=201&colour=red');
    expect(limit.statusCode).toBe(422);
    expect(limit.json().errors.map(({ path }: { path: string }) => path)).toEqual(['query.limit', 'query.colour']);
    expect((await app.inject('/v1/codes/not-a-uuid')).statusCode).toBe(404);
    expect((await app.inject('/v1/nowhere')).json()).toMatchObject({ type: 'urn:signet:problem:not-found' });
    expect((await app.inject('/v1/codes/%ZZ')).json()).toMatchObject({
      status: 400,
      type: 'urn:signet:problem:unreadable-request',
    });
  });

  it('tells a stranger nothing of a bug, and 503 with Retry-After of a missing dependency', async () => {
    const bug = await app.inject('/v1/whoami');
    expect(bug.statusCode).toBe(500);
    expect(bug.body).not.toContain('SECRET');
    const away = await app.inject('/v1/audit/verify');
    expect(away.statusCode).toBe(503);
    expect(Number(away.headers['retry-after'])).toBeGreaterThan(0);
    const wait = await app.inject({ method: 'DELETE', url: '/v1/api-keys/0192f0c0-0000-7000-8000-000000000000' });
    expect([wait.statusCode, wait.headers['retry-after']]).toEqual([429, '2']);
  });

  it.each([
    ['a URL', `/v1/codes?q=${'x'.repeat(8192)}`, 'The path with its query is longer than 8192 characters'],
    ['a part of the path', `/v1/codes/${'x'.repeat(1001)}`, 'A part of the path is too long'],
  ])('says that %s is too long', async (_what, url, detail) => {
    const answer = await app.inject({ url });
    const type = 'urn:signet:problem:unreadable-request';
    expect([answer.statusCode, answer.json()]).toMatchObject([400, { type, detail }]);
  });

  it('is alive, ready, and not ready with the name of what is missing', async () => {
    expect((await app.inject('/healthz')).statusCode).toBe(200);
    expect((await app.inject('/readyz')).json()).toMatchObject({ status: 'ready' });
    health.prefer('redis', () => Promise.reject(new Error('connection refused')));
    expect((await app.inject('/readyz')).json()).toEqual({
      status: 'ready',
      missing: {},
      degraded: { redis: 'connection refused' },
    });
    health.require('kafka', () => Promise.reject(new Error('no broker answers')));
    const answer = await app.inject('/readyz');
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({ status: 'not-ready', missing: { kafka: 'no broker answers' } });
  });

  it('shows metrics to loopback and not to others', async () => {
    expect((await app.inject('/metrics')).body).toContain('signet_http_request_duration_seconds');
    expect((await app.inject({ url: '/metrics', remoteAddress: '203.0.113.7' })).statusCode).toBe(403);
  });

  it('serves the documents that are generated from the contract', async () => {
    expect((await app.inject('/v1/openapi.json')).json()).toMatchObject({
      openapi: '3.1.0',
      servers: [{ url: 'https://qr.example' }],
    });
    expect((await app.inject('/v1/asyncapi.json')).json()).toMatchObject({ asyncapi: '3.0.0' });
    const urn = 'urn:signet:event:scan.recorded:v1';
    expect((await app.inject('/v1/schemas')).json()).toMatchObject({ items: expect.arrayContaining([urn]) });
    expect((await app.inject(`/v1/schemas/${urn}`)).json()).toMatchObject({ $id: urn, type: 'object' });
    expect((await app.inject('/v1/schemas/urn:x')).statusCode).toBe(404);
    expect((await app.inject('/docs')).headers['content-type']).toContain('text/html');
    expect((await app.inject('/docs/swagger-ui-bundle.js')).statusCode).toBe(200);
  });

  it('leaves to Fastify what is not intercepted, and closes the connection of what cannot be answered', async () => {
    const fastify: FastifyInstance = app.getHttpAdapter().getInstance();
    fastify.interceptRequests({
      route: '/quick',
      intercept: ({ url }, response) => {
        if (url === '/quick') return Promise.resolve(void response.writeHead(204).end());
        return url === '/broken' ? Promise.reject(new Error('the journal is closed')) : undefined;
      },
    });
    await app.listen(0, '127.0.0.1');
    const origin = await app.getUrl();
    expect((await fetch(`${origin}/quick`)).status).toBe(204);
    await expect(fetch(`${origin}/broken`)).rejects.toThrow('fetch failed');
    expect((await fetch(`${origin}/healthz`)).status).toBe(200);
    expect(await (await fetch(`${origin}/metrics`)).text()).toContain(
      '_count{service="test",method="GET",route="/quick"',
    );
  });

  it.each([
    ['headers of more than 16 KB', `X-Much: ${'x'.repeat(17_000)}\r\n\r\n`, 431],
    ['headers that take longer than 10 s', 'X-Slow: x', 408],
  ])('ends a connection with %s', async (_what, headers, status) => {
    const address: unknown = app.getHttpServer().address() ?? (await app.listen(0, '127.0.0.1')).address();
    const socket = connect((address as AddressInfo).port, '127.0.0.1');
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    socket.on('error', () => {});
    socket.write(`GET /healthz HTTP/1.1\r\nHost: x\r\n${headers}`);
    await once(socket, 'close');
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });
});
