import { AccessModule, accessMigrations, AccessService, ApiKeyGuard } from '@signet/access';
import { analyticsMigrations, SubjectLogModule } from '@signet/analytics';
import { ALERT_ACTIONS_GROUP, AlertActionsModule, alertActionsMigrations } from '@signet/anomalies';
import { AuditModule, auditMigrations } from '@signet/audit';
import { CodesModule, codesMigrations } from '@signet/codes';
import { DomainsModule } from '@signet/domains';
import { EnrollmentModule, enrollmentMigrations } from '@signet/enrollment';
import { FilesModule } from '@signet/files';
import { mfaMigrations, SubjectsModule } from '@signet/mfa';
import { consumeEvents, OutboxRelay, PlatformModule, type ServiceOptions } from '@signet/platform';
import { PoliciesModule, policiesMigrations } from '@signet/policies';
import { privacyMigrations } from '@signet/privacy';

class EnrollmentApp {}

/** The control plane: workspaces, keys, codes, subjects, enrollments and the audit log. */
export const enrollmentService: ServiceOptions = {
  service: 'enrollment',
  role: 'signet_enrollment',
  defaultPort: 4001,
  required: ['DATABASE_URL', 'REDIS_URL', 'KAFKA_BROKERS', 'SIGNET_MASTER_KEYS', 'SIGNET_PUBLIC_URL'],
  keyRing: true,
  docs: true,
  migrations: [
    ...accessMigrations,
    ...auditMigrations,
    ...privacyMigrations,
    ...codesMigrations,
    ...policiesMigrations,
    ...mfaMigrations,
    ...enrollmentMigrations,
    ...analyticsMigrations,
    ...alertActionsMigrations,
  ],
  module: (platform) => ({
    module: EnrollmentApp,
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
      SubjectLogModule,
      AlertActionsModule,
    ],
  }),
  isAdmin: (app) => (request) => app.get(ApiKeyGuard, { strict: false }).allows(request, 'admin'),
  connect: (app, platform) => consumeEvents(app, { ...platform, group: ALERT_ACTIONS_GROUP }),
  onReady: async (app, { config }) => {
    app.get(OutboxRelay).start();
    const key = await app.get(AccessService, { strict: false }).bootstrap();
    // To the one who installs, on stdout and never into the log.
    if (key && !config.values.SIGNET_BOOTSTRAP_KEY)
      process.stdout.write(`The admin API key, shown this once: ${key}\n`);
  },
};
