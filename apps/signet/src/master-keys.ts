import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { KeyRing, Secret, SignetConfig } from '@signet/platform';

/**
 * The configuration with a key ring: SIGNET_MASTER_KEYS, else the file `master.key` of the data directory, which the
 * first start makes. Only for the run in one process: services that share a database must be given the same keys.
 * @throws Error when there is a database but no key: a new one could open none of its secrets
 */
export function withMasterKeys(config: SignetConfig): SignetConfig {
  const { SIGNET_MASTER_KEYS, SIGNET_DATA_DIR } = config.values;
  if (SIGNET_MASTER_KEYS) return config;
  return new SignetConfig({ ...config.values, SIGNET_MASTER_KEYS: new Secret(readOrCreate(SIGNET_DATA_DIR)) });
}

function readOrCreate(directory: string): string {
  const file = join(directory, 'master.key');
  if (!existsSync(file)) {
    if (existsSync(join(directory, 'postgres')))
      throw new Error(`${file} is missing: restore it from your backup, or set SIGNET_MASTER_KEYS`);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    create(file);
  }
  return readFileSync(file, 'utf8').trim();
}

/** Whole or not at all, also when two processes start at once or the power fails. */
function create(file: string): void {
  const draft = `${file}.${process.pid}`;
  const descriptor = openSync(draft, 'w', 0o600);
  writeSync(descriptor, `${KeyRing.generate()}\n`);
  fsyncSync(descriptor);
  closeSync(descriptor);
  try {
    linkSync(draft, file);
  } catch (error) {
    if (!existsSync(file)) throw error;
  } finally {
    rmSync(draft);
  }
}
