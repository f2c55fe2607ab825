import { openPlatform, SignetConfig, type Platform } from '@signet/platform';
import { allMigrations } from './signet.service.js';

/** Does the work of a command on the stores of the configuration, all but Redis, and closes them. */
export async function withStores<Result>(
  values: SignetConfig['values'],
  { service, keyRing = false, migrates = false }: { service: string; keyRing?: boolean; migrates?: boolean },
  work: (platform: Platform) => Promise<Result>,
): Promise<Result> {
  const platform = await openPlatform(
    new SignetConfig({ ...values, SIGNET_MIGRATE_ON_START: migrates, REDIS_URL: undefined }),
    {
      service,
      migrations: allMigrations,
      keyRing,
      onFatal: (error) => {
        throw error;
      },
    },
  );
  try {
    return await work(platform);
  } finally {
    await platform.close();
  }
}
