import { AccessModule, AccessService, accessMigrations } from '@signet/access';
import { AuditModule, auditMigrations } from '@signet/audit';
import { CodePageSchema, CodeSchema, type Code, type CodePage } from '@signet/contracts';
import { createTestApp, openTestPlatform, type TestPlatform } from '@signet/testing';
import type { Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { codesMigrations } from './codes.migrations.js';
import { CodesModule } from './codes.module.js';

export interface Sent {
  /** Absent: of the first workspace. */
  key?: string;
  headers?: Record<string, string>;
  payload?: object | string;
}
export type Query = Record<string, string | number | boolean | readonly string[] | undefined>;

/** `?name=value`, a list as often as it has values. */
export function queryOf(query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    for (const one of [value].flat()) if (one !== undefined) parameters.append(name, String(one));
  return parameters.size === 0 ? '' : `?${parameters.toString()}`;
}

/** `/v1/codes` and what belongs to it over HTTP, on fresh stores. */
export class CodesApi {
  private constructor(
    readonly platform: TestPlatform,
    readonly app: NestFastifyApplication,
    readonly admin: string,
  ) {}

  /** @param modules beside those of codes */
  static async open(modules: Type[] = []): Promise<CodesApi> {
    const platform = await openTestPlatform([...auditMigrations, ...accessMigrations, ...codesMigrations], {
      SIGNET_PUBLIC_URL: 'https://sgn.example',
    });
    const app = await createTestApp(platform, [AuditModule, AccessModule, CodesModule, ...modules]);
    return new CodesApi(platform, app, (await app.get(AccessService).bootstrap()) ?? '');
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.platform.close();
  }

  call(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    url: string,
    { key = this.admin, headers = {}, payload }: Sent = {},
  ) {
    return this.app.inject({ method, url, payload, headers: { authorization: `Bearer ${key}`, ...headers } });
  }

  /** @returns what the call answers; fails unless it succeeds */
  async ask(...call: Parameters<CodesApi['call']>) {
    const answer = await this.call(...call);
    if (answer.statusCode >= 300) throw new Error(`${answer.statusCode}: ${answer.body}`);
    return answer;
  }

  /** @returns the key of a new workspace's administrator */
  async workspace(): Promise<string> {
    return (await this.ask('POST', '/v1/workspaces', { payload: { name: 'other' } })).json().key;
  }

  async create(body: object = {}, key = this.admin): Promise<Code> {
    const payload = { target: { url: 'https://example.org/' }, ...body };
    const { propagation: _propagation, ...code } = CodeSchema.parse(
      (await this.ask('POST', '/v1/codes', { key, payload })).json(),
    );
    return code;
  }

  async edit(id: string, payload: object, key = this.admin): Promise<Code> {
    return CodeSchema.parse((await this.ask('PATCH', `/v1/codes/${id}`, { key, payload })).json());
  }

  /** @param action as `pause` */
  async move(id: string, action: string, payload: object = {}, key = this.admin): Promise<void> {
    await this.ask('POST', `/v1/codes/${id}/${action}`, { key, payload });
  }

  async list(query: Query = {}, key = this.admin): Promise<CodePage> {
    return CodePageSchema.parse((await this.ask('GET', `/v1/codes${queryOf(query)}`, { key })).json());
  }

  /** Every page of a list. */
  async listAll(query: Query, key = this.admin): Promise<Code[]> {
    const items: Code[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.list({ ...query, cursor }, key);
      items.push(...page.items);
      cursor = page.nextCursor ?? undefined;
    } while (cursor);
    return items;
  }

  /** What no call can bring about. */
  async sql(statement: string, values: unknown[] = []): Promise<void> {
    await this.platform.dataSource.query(statement, values);
  }
}
