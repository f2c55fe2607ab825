import { channelSecrets, webhookSecrets } from '@signet/delivery';
import { countCodesOfOlderKeys, totpSecrets } from '@signet/mfa';
import { configOrExit, resealSecrets, type Platform } from '@signet/platform';
import { withMasterKeys } from './master-keys.js';
import { withStores } from './with-stores.js';

/**
 * Seals every secret with the first key of SIGNET_MASTER_KEYS. With DATABASE_URL while the services run; the embedded
 * database is one process's, so there `signet start` has to be stopped first.
 */
export async function rotateKeys(): Promise<void> {
  const { values } = withMasterKeys(configOrExit([], {}));
  await withStores(values, { service: 'rotate', keyRing: true }, resealAll);
}

async function resealAll({ dataSource, keyRing }: Platform): Promise<void> {
  if (!keyRing) throw new Error('there are no master keys');
  const { resealed, total } = await resealSecrets(
    dataSource,
    keyRing,
    [totpSecrets, webhookSecrets, channelSecrets],
    ({ checked, total: all }) => process.stderr.write(`${checked} of ${all} secrets\n`),
  );
  process.stdout.write(`${resealed} of ${total} secrets are sealed anew with ${keyRing.keyIds[0]}.\n`);
  const codesOfOlderKeys = await countCodesOfOlderKeys(dataSource, keyRing);
  process.stdout.write(
    codesOfOlderKeys > 0
      ? `${codesOfOlderKeys} unused recovery codes were hashed with an older key: keep it until they are replaced.\n`
      : 'No recovery code needs an older key.\n',
  );
}
