import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, ServiceProcess } from '../service-process.js';
import type { Run } from './run.js';

/** Tests come from one address and one key, which the limits of strangers are not made for. */
export const withoutLimits = {
  SIGNET_CLAIMS_PER_MINUTE: '0',
  SIGNET_UNKNOWN_SLUGS_PER_MINUTE: '0',
  SIGNET_KEY_REQUESTS_PER_SECOND: '0',
  SIGNET_LOG_LEVEL: 'warn',
};

/** All in one process on embedded stores in a fresh folder. */
export async function startEmbedded(): Promise<Run & { process: ServiceProcess }> {
  const directory = mkdtempSync(join(tmpdir(), 'signet-story-'));
  const key = 'sgk_story_0123456789abcdefghijklmnop';
  const environment = { ...withoutLimits, SIGNET_DATA_DIR: directory, SIGNET_BOOTSTRAP_KEY: key };
  const process = new ServiceProcess('apps/signet/dist/main.js', ['start'], await freePort(), environment);
  await process.start();
  return {
    name: 'embedded',
    url: process.url,
    key,
    process,
    async killRedirect() {
      await process.end('SIGKILL');
    },
    startRedirect: () => process.start(),
    async stop() {
      await process.end('SIGTERM');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
