import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { accessMigrations, AccessModule, AccessService } from '@signet/access';
import { alertsMigrations, AlertsModule } from '@signet/alerts';
import { ANALYTICS_GROUP, analyticsMigrations, AnalyticsModule } from '@signet/analytics';
import { AuditModule, auditMigrations } from '@signet/audit';
import { codesMigrations, CodesModule } from '@signet/codes';
import { topics, type Alert } from '@signet/contracts';
import { DeliveryModule } from '@signet/delivery';
import { mfaMigrations, SubjectsModule, VerificationModule } from '@signet/mfa';
import { consumeEvents, OutboxRelay, type Migration } from '@signet/platform';
import { PoliciesModule, policiesMigrations } from '@signet/policies';
import { privacyMigrations } from '@signet/privacy';
import { createTestApp, openTestPlatform, until, type TestPlatform } from '@signet/testing';
import { ALERT_ACTIONS_GROUP } from './actions/alert-actions.consumer.js';
import { alertActionsMigrations } from './actions/alert-actions.migrations.js';
import { AlertActionsModule } from './actions/alert-actions.module.js';
import { anomaliesMigrations } from './anomalies.migrations.js';
import { AnomaliesModule } from './anomalies.module.js';
import { ANOMALIES_GROUP } from './detector.js';

/** What is served, and consumed. */
interface Served {
  migrations: readonly Migration[];
  modules: Parameters<typeof createTestApp>[1];
  groups: readonly string[];
}

const WATCHING: Served = {
  migrations: [
    ...auditMigrations,
    ...accessMigrations,
    ...privacyMigrations,
    ...codesMigrations,
    ...analyticsMigrations,
    ...alertsMigrations,
    ...anomaliesMigrations,
  ],
  modules: [AccessModule, AnalyticsModule, AlertsModule, AnomaliesModule, DeliveryModule],
  groups: [ANALYTICS_GROUP, ANOMALIES_GROUP],
};

/** With everything that the actions of alerts touch. */
export const ACTING: Served = {
  migrations: [
    ...auditMigrations,
    ...accessMigrations,
    ...privacyMigrations,
    ...codesMigrations,
    ...policiesMigrations,
    ...mfaMigrations,
    ...analyticsMigrations,
    ...alertsMigrations,
    ...anomaliesMigrations,
    ...alertActionsMigrations,
  ],
  modules: [
    AccessModule,
    AuditModule,
    CodesModule,
    PoliciesModule,
    SubjectsModule,
    VerificationModule,
    AnomaliesModule,
    AlertActionsModule,
  ],
  groups: [ANOMALIES_GROUP, ALERT_ACTIONS_GROUP],
};

/** Anomalies over HTTP on fresh stores, with the consumers and the relay at work. */
export class AnomaliesApp {
  private constructor(
    readonly platform: TestPlatform,
    readonly app: NestFastifyApplication,
    readonly admin: string,
    readonly workspaceId: string,
    private readonly groups: readonly string[],
  ) {}

  static async open(now: string, { migrations, modules, groups }: Served = WATCHING): Promise<AnomaliesApp> {
    const platform = await openTestPlatform(migrations);
    platform.clock.set(new Date(now));
    const app = await createTestApp(platform, modules);
    const { eventLog, logger, metrics } = platform;
    for (const group of groups) consumeEvents(app, { eventLog, group, logger, metrics });
    await app.startAllMicroservices();
    app.get(OutboxRelay).start();
    const admin = (await app.get(AccessService).bootstrap()) ?? '';
    const answer = await app.inject({ url: '/v1/whoami', headers: { authorization: `Bearer ${admin}` } });
    return new AnomaliesApp(platform, app, admin, answer.json<{ workspaceId: string }>().workspaceId, groups);
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

  async publish(topic: keyof typeof topics, events: readonly object[]): Promise<void> {
    await this.platform.eventLog.publish(
      topics[topic].name,
      events.map((event) => ({ key: 'k', value: Buffer.from(JSON.stringify(event)) })),
    );
  }

  /** Publishes and waits until all groups have committed everything. */
  async record(topic: keyof typeof topics, events: readonly object[]): Promise<void> {
    await this.publish(topic, events);
    for (const group of this.groups) await until(() => this.hasTaken(group, [topic]));
  }

  /** Whether a group has committed everything of these topics. */
  async hasTaken(group: string, of: readonly (keyof typeof topics)[]): Promise<boolean> {
    const partitions = await this.platform.eventLog.lag(
      group,
      of.map((topic) => topics[topic].name),
    );
    return partitions.every(({ lag }) => lag === 0);
  }
}
