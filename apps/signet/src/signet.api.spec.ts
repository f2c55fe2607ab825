import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiKeyGuard } from '@signet/access';
import { AuditSequencer } from '@signet/audit';
import { operations, type OperationSpec } from '@signet/contracts';
import { loadConfig, OutboxRelay, startService, type RunningService } from '@signet/platform';
import type { FastifyInstance } from 'fastify';
import { withMasterKeys } from './master-keys.js';
import { signetService } from './signet.service.js';

const specs: [string, OperationSpec][] = Object.entries(operations);

describe('everything in one process', () => {
  const directory = mkdtempSync(join(tmpdir(), 'signet-app-'));
  let running: RunningService;
  let fastify: FastifyInstance;

  beforeAll(async () => {
    const config = loadConfig({ PORT: '0', SIGNET_DATA_DIR: directory, SIGNET_LOG_LEVEL: 'silent' });
    running = await startService(withMasterKeys(config), signetService, (error) => {
      throw error;
    });
    fastify = running.app.getHttpAdapter().getInstance();
  });
  afterAll(async () => {
    await running.stop();
    rmSync(directory, { recursive: true });
  });

  it.each(specs)('serves %s of the contract', (_name, { method, path }) => {
    expect(fastify.hasRoute({ method, url: path.replaceAll(/\{(\w+)\}/g, ':$1') })).toBe(true);
  });

  it.each(specs.filter(([, { scope }]) => scope !== 'public'))('asks for a key before %s', async (_name, spec) => {
    const url = spec.path.replaceAll(/\{\w+\}/g, '0192f0c1-7a00-7000-8000-000000000001');
    const answer = await running.app.inject({ method: spec.method, url });
    expect(answer.statusCode).toBe(401);
    expect(answer.headers['content-type']).toBe('application/problem+json');
  });

  it('serves the document that tells of all of them, and the page to browse it', async () => {
    const document: unknown = (await running.app.inject('/v1/openapi.json')).json();
    for (const [, { method, path }] of specs)
      expect(document).toHaveProperty(['paths', path, method.toLowerCase()], expect.any(Object));
    expect((await running.app.inject('/docs')).statusCode).toBe(200);
  });

  it('is alive, ready, and measured', async () => {
    expect((await running.app.inject('/healthz')).json()).toEqual({ status: 'alive' });
    expect((await running.app.inject('/readyz')).json()).toMatchObject({ status: 'ready', missing: {} });
    expect((await running.app.inject('/metrics')).body).toContain('# TYPE');
  });

  it('tells of each of its consumer groups how far it is behind', async () => {
    const { body } = await running.app.inject('/metrics');
    const groups = Array.from(body.matchAll(/^signet_consumer_lag\{.*group="([^"]+)".*\} \d+$/gm), ([, name]) => name);
    expect(new Set(groups)).toEqual(
      new Set(['signet-alert-actions', 'signet-analytics', 'signet-anomalies', 'signet-webhooks']),
    );
  });

  it.each([ApiKeyGuard, AuditSequencer, OutboxRelay])('has %p once, whoever shares it', (type) => {
    expect(running.app.get(type, { strict: false, each: true })).toHaveLength(1);
  });
});
