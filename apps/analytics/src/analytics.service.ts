import { accessMigrations, ApiKeyGuard, ApiKeyGuardModule, IdempotencyModule } from '@signet/access';
import { AlertsModule, alertsMigrations } from '@signet/alerts';
import { ANALYTICS_GROUP, AnalyticsModule, analyticsMigrations } from '@signet/analytics';
import { ANOMALIES_GROUP, AnomaliesModule, anomaliesMigrations } from '@signet/anomalies';
import { auditMigrations } from '@signet/audit';
import { DeliveryModule, WEBHOOKS_GROUP, WebhooksModule, webhooksMigrations } from '@signet/delivery';
import { privacyMigrations } from '@signet/privacy';
import { consumeEvents, OutboxRelay, PlatformModule, type ServiceOptions } from '@signet/platform';

class AnalyticsApp {}

/** Consumes the scans, counts each once, answers queries and feeds the live stream. */
export const analyticsService: ServiceOptions = {
  service: 'analytics',
  role: 'signet_analytics',
  defaultPort: 4004,
  required: ['DATABASE_URL', 'REDIS_URL', 'KAFKA_BROKERS', 'SIGNET_PUBLIC_URL'],
  keyRing: true,
  migrations: [
    ...accessMigrations,
    ...auditMigrations,
    ...privacyMigrations,
    ...analyticsMigrations,
    ...alertsMigrations,
    ...anomaliesMigrations,
    ...webhooksMigrations,
  ],
  module: (platform) => ({
    module: AnalyticsApp,
    imports: [
      PlatformModule.of(platform),
      ApiKeyGuardModule,
      IdempotencyModule,
      AnalyticsModule,
      AlertsModule,
      AnomaliesModule,
      DeliveryModule,
      WebhooksModule,
    ],
  }),
  isAdmin: (app) => (request) => app.get(ApiKeyGuard, { strict: false }).allows(request, 'admin'),
  connect: (app, platform) => {
    for (const group of [ANALYTICS_GROUP, ANOMALIES_GROUP, WEBHOOKS_GROUP]) consumeEvents(app, { ...platform, group });
  },
  // Alerts are told, though the other services are away.
  onReady: async (app) => app.get(OutboxRelay).start(),
};
