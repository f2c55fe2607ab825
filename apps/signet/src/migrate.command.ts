import { configOrExit } from '@signet/platform';
import { withStores } from './with-stores.js';

/** Runs the pending migrations of every context as the user of DATABASE_URL, or on the embedded database. */
export async function migrate(): Promise<void> {
  await withStores(configOrExit([], {}).values, { service: 'migrate', migrates: true }, () => Promise.resolve());
  process.stdout.write('The database is at this release.\n');
}
