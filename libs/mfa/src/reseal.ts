import type { KeyRing } from '@signet/platform';
import type { DataSource } from 'typeorm';
import { countForeignCodes, countSealedSecrets, readSealedSecrets, replaceSecret } from './reseal.sql.js';
import { totpSealContext } from './totp-kind.js';

const BATCH = 500;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

export interface ResealProgress {
  /** Secrets that were looked at. */
  checked: number;
  total: number;
  /** Those that are sealed with the first key now and were not before. */
  resealed: number;
}

export interface ResealResult extends ResealProgress {
  /** Recovery codes that an older key hashed: nobody can hash them anew, so that key must stay until they are used. */
  codesOfOlderKeys: number;
}

/**
 * Seals every secret with the first key of the ring, a batch at a time, while everything runs. Stopped and run again it
 * goes on where it was: what is sealed with the first key is left alone.
 * @param report is told of each batch
 * @throws SignetError `internal-error` when a secret does not open: its key has left the ring
 */
export async function resealSecrets(
  dataSource: DataSource,
  keyRing: KeyRing,
  report: (progress: ResealProgress) => void = () => undefined,
): Promise<ResealResult> {
  const { manager } = dataSource;
  const progress = { checked: 0, total: await countSealedSecrets(manager), resealed: 0 };
  for (let afterId = FIRST_ID; ;) {
    const batch = await readSealedSecrets(manager, { afterId, limit: BATCH });
    for (const factor of batch) {
      progress.checked += 1;
      if (keyRing.isCurrent(factor.secret)) continue;
      const context = totpSealContext(factor);
      const sealed = keyRing.seal(keyRing.open(factor.secret, context), context);
      if (await replaceSecret(manager, factor, sealed)) progress.resealed += 1;
    }
    report({ ...progress });
    const last = batch.at(-1);
    if (!last || batch.length < BATCH) break;
    afterId = last.id;
  }
  return { ...progress, codesOfOlderKeys: await countForeignCodes(manager, keyRing.keyIds.slice(0, 1)) };
}
