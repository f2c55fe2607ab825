import { setTimeout as delay } from 'node:timers/promises';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { accessMigrations, AccessModule, AccessService } from '@signet/access';
import { alertsMigrations, AlertsModule } from '@signet/alerts';
import { ANALYTICS_GROUP, analyticsMigrations, AnalyticsModule } from '@signet/analytics';
import { auditMigrations } from '@signet/audit';
import { topics, type Alert } from '@signet/contracts';
import { DeliveryModule } from '@signet/delivery';
import { consumeEvents, OutboxRelay } from '@signet/platform';
import { privacyMigrations } from '@signet/privacy';
import { createTestApp, openTestPlatform, type TestPlatform } from '@signet/testing';
import { anomaliesMigrations } from './anomalies.migrations.js';
import { AnomaliesModule } from './anomalies.module.js';
import { ANOMALIES_GROUP } from './detector.js';

/** Analytics, alerts and anomalies over HTTP on fresh stores, with the consumers and the relay at work. */
export class AnomaliesApp {
  private constructor(
    readonly platform: TestPlatform,
    readonly app: NestFastifyApplication,
    readonly admin: string,
    readonly workspaceId: string,
  ) {}

  static async open(now: string): Promise<AnomaliesApp> {
    const platform = await openTestPlatform([
      ...auditMigrations,
      ...accessMigrations,
      ...privacyMigrations,
      ...analyticsMigrations,
      ...alertsMigrations,
      ...anomaliesMigrations,
    ]);
    platform.clock.set(new Date(now));
    const app = await createTestApp(platform, [
      AccessModule,
      AnalyticsModule,
      AlertsModule,
      AnomaliesModule,
      DeliveryModule,
    ]);
    const { eventLog, logger, metrics } = platform;
    for (const group of [ANALYTICS_GROUP, ANOMALIES_GROUP]) consumeEvents(app, { eventLog, group, logger, metrics });
    await app.startAllMicroservices();
    app.get(OutboxRelay).start();
    const admin = (await app.get(AccessService).bootstrap()) ?? '';
    const answer = await app.inject({ url: '/v1/whoami', headers: { authorization: `Bearer ${admin}` } });
    return new AnomaliesApp(platform, app, admin, answer.json<{ workspaceId: string }>().workspaceId);
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.platform.close();
  }

  call(method: 'GET' | 'POST' | 'PUT', url: string, { body, headers }: { body?: object; headers?: object } = {}) {
    return this.app.inject({
      method,
      url,
      headers: { authorization: `Bearer ${this.admin}`, ...headers },
      ...(body && { payload: body }),
    });
  }

  async alerts(query = ''): Promise<Alert[]> {
    const answer = await this.call('GET', `/v1/alerts${query}`);
    return answer.json<{ items: Alert[] }>().items;
  }

  /** Publishes and waits until both groups have committed everything. */
  async record(topic: keyof typeof topics, events: readonly object[]): Promise<void> {
    const { name } = topics[topic];
    const { eventLog } = this.platform;
    await eventLog.publish(
      name,
      events.map((event) => ({ key: 'k', value: Buffer.from(JSON.stringify(event)) })),
    );
    for (const group of [ANALYTICS_GROUP, ANOMALIES_GROUP])
      while ((await eventLog.lag(group, [name])).some(({ lag }) => lag > 0)) await delay(5);
  }
}
