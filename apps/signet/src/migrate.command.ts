import { configOrExit, openPlatform, SignetConfig } from '@signet/platform';
import { allMigrations } from './signet.service.js';

/** Runs the pending migrations of every context as the user of DATABASE_URL, or on the embedded database. */
export async function migrate(): Promise<void> {
  const { values } = configOrExit([], {});
  const platform = await openPlatform(
    new SignetConfig({ ...values, SIGNET_MIGRATE_ON_START: true, REDIS_URL: undefined }),
    {
      service: 'migrate',
      migrations: allMigrations,
      keyRing: false,
      onFatal: (error) => {
        throw error;
      },
    },
  );
  await platform.close();
  process.stdout.write('The database is at this release.\n');
}
