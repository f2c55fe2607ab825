import { AccessModule, accessMigrations, ApiKeyGuard } from '@signet/access';
import { AlertsModule, alertsMigrations } from '@signet/alerts';
import { ANALYTICS_GROUP, AnalyticsModule, analyticsMigrations, SubjectLogModule } from '@signet/analytics';
import {
  ALERT_ACTIONS_GROUP,
  AlertActionsModule,
  alertActionsMigrations,
  ANOMALIES_GROUP,
  AnomaliesModule,
  anomaliesMigrations,
} from '@signet/anomalies';
import { AuditModule, auditMigrations } from '@signet/audit';
import { CodesModule, codesMigrations } from '@signet/codes';
import { DeliveryModule, WEBHOOKS_GROUP, WebhooksModule, webhooksMigrations } from '@signet/delivery';
import { DomainsModule } from '@signet/domains';
import { EnrollmentModule, enrollmentMigrations } from '@signet/enrollment';
import { FilesModule } from '@signet/files';
import { mfaMigrations, SubjectsModule, VerificationModule } from '@signet/mfa';
import { consumeEvents, OutboxRelay, PlatformModule, type Migration, type ServiceOptions } from '@signet/platform';
import { PoliciesModule, policiesMigrations } from '@signet/policies';
import { privacyMigrations } from '@signet/privacy';
import { RedirectModule } from '@signet/redirect';
import { scansMigrations } from '@signet/scans';

class SignetApp {}

/** Those of every context, in the order of their timestamps. */
export const allMigrations: readonly Migration[] = [
  ...accessMigrations,
  ...auditMigrations,
  ...privacyMigrations,
  ...codesMigrations,
  ...policiesMigrations,
  ...mfaMigrations,
  ...enrollmentMigrations,
  ...scansMigrations,
  ...analyticsMigrations,
  ...alertsMigrations,
  ...anomaliesMigrations,
  ...alertActionsMigrations,
  ...webhooksMigrations,
];

/** All four services in one process; what they share (guard, idempotency, audit chain) exists once. */
export const signetService: ServiceOptions = {
  service: 'signet',
  defaultPort: 8080,
  keyRing: true,
  docs: true,
  migrations: allMigrations,
  module: (platform) => ({
    module: SignetApp,
    imports: [
      PlatformModule.of(platform),
      AccessModule,
      AuditModule,
      CodesModule,
      DomainsModule,
      FilesModule,
      PoliciesModule,
      SubjectsModule,
      EnrollmentModule,
      VerificationModule,
      AnalyticsModule,
      AlertsModule,
      AnomaliesModule,
      AlertActionsModule,
      SubjectLogModule,
      DeliveryModule,
      WebhooksModule,
      // Last: its `/{slug}` takes what no other route does.
      RedirectModule,
    ],
  }),
  isAdmin: (app) => (request) => app.get(ApiKeyGuard, { strict: false }).allows(request, 'admin'),
  connect: (app, platform) => {
    for (const group of [ANALYTICS_GROUP, ANOMALIES_GROUP, ALERT_ACTIONS_GROUP, WEBHOOKS_GROUP])
      consumeEvents(app, { ...platform, group });
  },
  onReady: async (app) => app.get(OutboxRelay).start(),
};
