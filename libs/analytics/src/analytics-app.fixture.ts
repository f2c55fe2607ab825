import { setTimeout as delay } from 'node:timers/promises';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { accessMigrations, AccessModule, AccessService } from '@signet/access';
import { auditMigrations } from '@signet/audit';
import { codesMigrations, CodesModule } from '@signet/codes';
import { dataSchemaUrn, topics, type Code } from '@signet/contracts';
import { consumeEvents, newId } from '@signet/platform';
import { privacyMigrations } from '@signet/privacy';
import { createTestApp, openTestPlatform, type TestPlatform } from '@signet/testing';
import { analyticsMigrations } from './analytics.migrations.js';
import { AnalyticsModule } from './analytics.module.js';
import { ANALYTICS_GROUP } from './rollup-writer.js';

/** Codes and analytics over HTTP on fresh stores, with the consumer at work. */
export class AnalyticsApp {
  private constructor(
    readonly platform: TestPlatform,
    readonly app: NestFastifyApplication,
    readonly admin: string,
    readonly workspaceId: string,
  ) {}

  static async open(now: string): Promise<AnalyticsApp> {
    const migrations = [
      ...auditMigrations,
      ...accessMigrations,
      ...codesMigrations,
      ...privacyMigrations,
      ...analyticsMigrations,
    ];
    const platform = await openTestPlatform(migrations);
    platform.clock.set(new Date(now));
    const app = await createTestApp(platform, [AccessModule, CodesModule, AnalyticsModule]);
    const { eventLog, logger, metrics } = platform;
    consumeEvents(app, { eventLog, group: ANALYTICS_GROUP, logger, metrics });
    await app.startAllMicroservices();
    const admin = (await app.get(AccessService).bootstrap()) ?? '';
    const answer = await app.inject({ url: '/v1/whoami', headers: { authorization: `Bearer ${admin}` } });
    return new AnalyticsApp(platform, app, admin, answer.json<{ workspaceId: string }>().workspaceId);
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.platform.close();
  }

  inject(url: string, key = this.admin): ReturnType<NestFastifyApplication['inject']> {
    return this.app.inject({ url, headers: { authorization: `Bearer ${key}` } });
  }

  /** @throws Error with the answer's body when it is no 200 */
  async get<Answer>(url: string, key = this.admin): Promise<Answer> {
    const answer = await this.inject(url, key);
    if (answer.statusCode !== 200) throw new Error(answer.body);
    return answer.json();
  }

  async createCode(fields: Partial<Code> = {}): Promise<string> {
    const answer = await this.app.inject({
      method: 'POST',
      url: '/v1/codes',
      payload: { target: { url: 'https://example.org/' }, ...fields },
      headers: { authorization: `Bearer ${this.admin}` },
    });
    return answer.json<Code>().id;
  }

  /** Publishes and waits until the group has committed everything. */
  async record(topic: keyof typeof topics, events: readonly object[]): Promise<void> {
    const { name } = topics[topic];
    const { eventLog } = this.platform;
    await eventLog.publish(
      name,
      events.map((event) => ({ key: 'k', value: Buffer.from(JSON.stringify(event)) })),
    );
    while ((await eventLog.lag(ANALYTICS_GROUP, [name])).some(({ lag }) => lag > 0)) await delay(5);
  }
}

/** An event of any type. */
export function eventOf(type: string, data: { at: string }, id: string = newId()): object {
  return {
    specversion: '1.0',
    id,
    type,
    source: '/signet/test/1',
    time: data.at,
    datacontenttype: 'application/json',
    dataschema: dataSchemaUrn(type),
    sequence: '1',
    data,
  };
}
