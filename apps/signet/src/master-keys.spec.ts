import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KeyRing, loadConfig } from '@signet/platform';
import { withMasterKeys } from './master-keys.js';

describe('the master key of the run in one process', () => {
  let directory: string;
  const load = (environment = {}) => withMasterKeys(loadConfig({ SIGNET_DATA_DIR: directory, ...environment }));
  const keysOf = (environment = {}) => load(environment).values.SIGNET_MASTER_KEYS?.reveal() ?? '';

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'signet-keys-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  it('is made at the first start, for its owner only, and read at the next', () => {
    const first = keysOf();
    expect(new KeyRing(first).keyIds).toHaveLength(1);
    expect(keysOf()).toBe(first);
    expect(statSync(join(directory, 'master.key')).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(['master.key']);
  });

  it('is left to the environment where that has one', () => {
    const given = KeyRing.generate();
    expect(keysOf({ SIGNET_MASTER_KEYS: given })).toBe(given);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('is never replaced beside a database whose secrets only the lost one opens', () => {
    mkdirSync(join(directory, 'postgres'));
    expect(() => load()).toThrow(/master\.key is missing/);
  });
});
