import { request, type ClientRequest } from 'node:http';
import { createInterface } from 'node:readline';
import { AccessModule, accessMigrations, AccessService } from '@signet/access';
import { AuditModule, auditMigrations } from '@signet/audit';
import { BulkResultSchema, CodeSchema, type BulkResult, type Code } from '@signet/contracts';
import { createTestApp, openTestPlatform, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { codesMigrations } from '../codes.migrations.js';
import { CodesModule } from '../codes.module.js';

export const NDJSON = 'application/x-ndjson';
export const CSV = 'text/csv; charset=utf-8';

interface Call {
  key?: string;
  type?: string;
  /** `Idempotency-Key` */
  once?: string;
}
type Answer = Awaited<ReturnType<NestFastifyApplication['inject']>>;

/** Bulk calls as a client makes them. */
export class BulkClient {
  private constructor(
    readonly platform: TestPlatform,
    readonly app: NestFastifyApplication,
    readonly admin: string,
  ) {}

  static async open(environment: NodeJS.ProcessEnv = {}): Promise<BulkClient> {
    const platform = await openTestPlatform([...auditMigrations, ...accessMigrations, ...codesMigrations], {
      SIGNET_PUBLIC_URL: 'https://sgn.example',
      ...environment,
    });
    const app = await createTestApp(platform, [AuditModule, AccessModule, CodesModule]);
    return new BulkClient(platform, app, (await app.get(AccessService).bootstrap()) ?? '');
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.platform.close();
  }

  call(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    url: string,
    payload?: object | string,
    call: Call = {},
  ): Promise<Answer> {
    const headers = {
      authorization: `Bearer ${call.key ?? this.admin}`,
      ...(call.type && { 'content-type': call.type }),
      ...(call.once && { 'idempotency-key': call.once }),
    };
    return this.app.inject({ method, url, headers, ...(payload !== undefined && { payload }) });
  }

  async upload(text: string, query = '', call: Call = {}): Promise<BulkResult[]> {
    const answer = await this.call('POST', `/v1/codes/bulk?${query}`, text, { type: NDJSON, ...call });
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, NDJSON]);
    return resultsOf(answer.body);
  }

  async code(id: string): Promise<Code> {
    return CodeSchema.parse((await this.call('GET', `/v1/codes/${id}`)).json());
  }

  async issue(body: object = {}): Promise<Code> {
    const answer = await this.call('POST', '/v1/codes', { target: { url: 'https://example.org/' }, ...body });
    return CodeSchema.parse(answer.json());
  }

  async codesUsed(key = this.admin): Promise<number> {
    return (await this.call('GET', '/v1/usage', undefined, { key })).json().codes.used;
  }

  /** A key of a workspace of its own, with quotas. */
  async workspace(quotas: object = {}): Promise<string> {
    const { id, key } = (await this.call('POST', '/v1/workspaces', { name: 'other' })).json();
    await this.call('PUT', `/v1/workspaces/${id}/quotas`, quotas);
    return key;
  }
}

export const lines = (rows: readonly object[]): string => rows.map((row) => JSON.stringify(row)).join('\n');
export const link = (fields: object = {}): object => ({ target: { url: 'https://example.org/' }, ...fields });
export const resultsOf = (body: string): BulkResult[] =>
  body
    .split('\n')
    .filter(Boolean)
    .map((line) => BulkResultSchema.parse(JSON.parse(line)));
export const idsOf = (results: readonly BulkResult[]): string[] =>
  results.flatMap(({ code }) => (code ? [code.id] : []));
/** Row, status, and of an error its kind and the paths that it names. */
export const summary = (results: readonly BulkResult[]): unknown[] =>
  results.map(({ index, status, problem }) =>
    problem === undefined
      ? [index, status]
      : [index, problem.type.replace('urn:signet:problem:', ''), ...(problem.errors ?? []).map(({ path }) => path)],
  );

/** An upload whose connection can be cut, and whose answers are read as they come. */
export class OpenUpload {
  readonly results: BulkResult[] = [];
  private constructor(
    private readonly outgoing: ClientRequest,
    readonly ended: Promise<void>,
  ) {}

  static begin(url: string, { key, once }: { key: string; once: string }): OpenUpload {
    const outgoing = request(`${url}/v1/codes/bulk`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': NDJSON, 'idempotency-key': once },
    });
    const ended = new Promise<void>((resolve) => {
      outgoing.on('error', () => resolve());
      outgoing.on('response', (response) => {
        response.on('error', () => resolve());
        const reader = createInterface({ input: response });
        reader.on('line', (line) => upload.results.push(BulkResultSchema.parse(JSON.parse(line))));
        reader.on('close', () => resolve());
        reader.on('error', () => resolve());
      });
    });
    const upload = new OpenUpload(outgoing, ended);
    return upload;
  }

  write(text: string): void {
    this.outgoing.write(text);
  }

  /** Without a word: as a network that is gone. */
  cut(): void {
    this.outgoing.destroy();
  }
}
