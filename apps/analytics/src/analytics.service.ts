import { accessMigrations, ApiKeyGuard, ApiKeyGuardModule } from '@signet/access';
import { ANALYTICS_GROUP, AnalyticsModule, analyticsMigrations } from '@signet/analytics';
import { DeliveryModule } from '@signet/delivery';
import { consumeEvents, PlatformModule, type ServiceOptions } from '@signet/platform';

class AnalyticsApp {}

/** Consumes the scans, counts each once, answers queries and feeds the live stream. */
export const analyticsService: ServiceOptions = {
  service: 'analytics',
  role: 'signet_analytics',
  defaultPort: 4004,
  required: ['DATABASE_URL', 'REDIS_URL', 'KAFKA_BROKERS', 'SIGNET_PUBLIC_URL'],
  keyRing: false,
  migrations: [...accessMigrations, ...analyticsMigrations],
  module: (platform) => ({
    module: AnalyticsApp,
    imports: [PlatformModule.of(platform), ApiKeyGuardModule, AnalyticsModule, DeliveryModule],
  }),
  isAdmin: (app) => (request) => app.get(ApiKeyGuard, { strict: false }).allows(request, 'admin'),
  connect: (app, platform) => consumeEvents(app, { ...platform, group: ANALYTICS_GROUP }),
};
