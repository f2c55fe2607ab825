import { accessMigrations } from '@signet/access';
import { codesMigrations } from '@signet/codes';
import { PlatformModule, type ServiceOptions } from '@signet/platform';
import { RedirectModule } from '@signet/redirect';
import { scansMigrations } from '@signet/scans';

class RedirectApp {}

/** `GET /{slug}`: resolve, claim, journal the scan, answer. Opens no secret and reads no factor. */
export const redirectService: ServiceOptions = {
  service: 'redirect',
  role: 'signet_redirect',
  defaultPort: 4002,
  required: ['DATABASE_URL', 'REDIS_URL', 'KAFKA_BROKERS', 'SIGNET_PUBLIC_URL'],
  keyRing: false,
  servesFromCodeState: true,
  migrations: [...accessMigrations, ...codesMigrations, ...scansMigrations],
  module: (platform) => ({
    module: RedirectApp,
    imports: [PlatformModule.of(platform), RedirectModule],
  }),
};
