import { webhookSecrets } from '@signet/delivery';
import { countCodesOfOlderKeys, totpSecrets } from '@signet/mfa';
import { configOrExit, openPlatform, resealSecrets, SignetConfig } from '@signet/platform';
import { withMasterKeys } from './master-keys.js';
import { allMigrations } from './signet.service.js';

/**
 * Seals every secret with the first key of SIGNET_MASTER_KEYS. With DATABASE_URL while the services run; the embedded
 * database is one process's, so there `signet start` has to be stopped first.
 */
export async function rotateKeys(): Promise<void> {
  const { values } = withMasterKeys(configOrExit([], {}));
  const platform = await openPlatform(
    new SignetConfig({ ...values, SIGNET_MIGRATE_ON_START: false, REDIS_URL: undefined }),
    {
      service: 'rotate',
      migrations: allMigrations,
      keyRing: true,
      onFatal: (error) => {
        throw error;
      },
    },
  );
  try {
    if (!platform.keyRing) throw new Error('there are no master keys');
    const { dataSource, keyRing } = platform;
    const { resealed, total } = await resealSecrets(
      dataSource,
      keyRing,
      [totpSecrets, webhookSecrets],
      ({ checked, total: all }) => process.stderr.write(`${checked} of ${all} secrets\n`),
    );
    process.stdout.write(`${resealed} of ${total} secrets are sealed anew with ${keyRing.keyIds[0]}.\n`);
    const codesOfOlderKeys = await countCodesOfOlderKeys(dataSource, keyRing);
    process.stdout.write(
      codesOfOlderKeys > 0
        ? `${codesOfOlderKeys} unused recovery codes were hashed with an older key: keep it until they are replaced.\n`
        : 'No recovery code needs an older key.\n',
    );
  } finally {
    await platform.close();
  }
}
