import type { DataSource } from 'typeorm';
import type { KeyRing } from './key-ring.js';
import { countSealed, readSealed, replaceSealed } from './reseal.sql.js';

/** Where a context keeps sealed secrets; a record's id is what each is bound to. */
export interface SealedColumn {
  table: string;
  column: string;
  /** SQL of the workspace of a row. */
  workspaceId: string;
  /** As the secrets are sealed: see `SealContext`. */
  purpose: string;
}

export interface ResealProgress {
  /** Secrets that were looked at. */
  checked: number;
  total: number;
  /** Those that are sealed with the first key now and were not before. */
  resealed: number;
}

const BATCH = 500;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/**
 * Seals every secret with the first key of the ring, a batch at a time, while everything runs. Stopped and run again it
 * goes on where it was: what is sealed with the first key is left alone.
 * @param report is told of each batch
 * @throws SignetError `internal-error` when a secret does not open: its key has left the ring
 */
export async function resealSecrets(
  { manager }: DataSource,
  keyRing: KeyRing,
  columns: readonly SealedColumn[],
  report: (progress: ResealProgress) => void = () => undefined,
): Promise<ResealProgress> {
  const progress = { checked: 0, total: 0, resealed: 0 };
  for (const column of columns) progress.total += await countSealed(manager, column);
  for (const column of columns)
    for (let afterId: string | undefined = FIRST_ID; afterId !== undefined;) {
      const batch = await readSealed(manager, column, { afterId, limit: BATCH });
      for (const secret of batch) {
        progress.checked += 1;
        if (keyRing.isCurrent(secret.sealed)) continue;
        const context = { workspaceId: secret.workspaceId, recordId: secret.id, purpose: column.purpose };
        const sealed = keyRing.seal(keyRing.open(secret.sealed, context), context);
        if (await replaceSealed(manager, column, secret, sealed)) progress.resealed += 1;
      }
      if (batch.length > 0) report({ ...progress });
      afterId = batch.length < BATCH ? undefined : batch.at(-1)?.id;
    }
  return progress;
}
