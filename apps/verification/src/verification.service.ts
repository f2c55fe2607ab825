import { accessMigrations, ApiKeyGuard, ApiKeyGuardModule, IdempotencyModule } from '@signet/access';
import { auditMigrations, AuditWriterModule } from '@signet/audit';
import { mfaMigrations, VerificationModule } from '@signet/mfa';
import { OutboxRelay, PlatformModule, type ServiceOptions } from '@signet/platform';
import { policiesMigrations } from '@signet/policies';

class VerificationApp {}

/** Checks codes of subjects; each attempt leaves one audit entry before its answer. */
export const verificationService: ServiceOptions = {
  service: 'verification',
  role: 'signet_verification',
  defaultPort: 4003,
  required: ['DATABASE_URL', 'REDIS_URL', 'KAFKA_BROKERS', 'SIGNET_MASTER_KEYS', 'SIGNET_PUBLIC_URL'],
  keyRing: true,
  migrations: [...accessMigrations, ...auditMigrations, ...policiesMigrations, ...mfaMigrations],
  module: (platform) => ({
    module: VerificationApp,
    imports: [PlatformModule.of(platform), ApiKeyGuardModule, IdempotencyModule, AuditWriterModule, VerificationModule],
  }),
  isAdmin: (app) => (request) => app.get(ApiKeyGuard, { strict: false }).allows(request, 'admin'),
  onReady: async (app) => app.get(OutboxRelay).start(),
};
