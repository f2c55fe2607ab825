import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { lockDirectory, type SignetConfig } from '@signet/platform';
import { refuseFormerFormat, SEGMENTS_FOLDER } from './journal-store.js';

const WORKER_FOLDER = /^worker-(\d+)$/;

const rootOf = ({ values }: SignetConfig): string => join(values.SIGNET_DATA_DIR, 'journal');
const folderOf = (root: string, worker: number): string => join(root, `worker-${worker}`);

function workersIn(root: string): number[] {
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .flatMap((name) => WORKER_FOLDER.exec(name)?.[1] ?? [])
    .map(Number);
}

/** @returns where this process keeps its journal: one alone in `journal`, workers in a folder each below it */
export const ownJournal = (config: SignetConfig): string =>
  config.worker === undefined ? rootOf(config) : folderOf(rootOf(config), config.worker);

/**
 * @returns the journals of workers that there are no longer, for this process to ship: for one alone those of all
 * workers, for the first worker those with numbers beyond the last
 */
export function leftJournals(config: SignetConfig): string[] {
  if (config.worker !== undefined && config.worker !== 1) return [];
  const last = config.worker === undefined ? 0 : config.values.SIGNET_REDIRECT_WORKERS;
  const root = rootOf(config);
  return workersIn(root)
    .filter((worker) => worker > last)
    .toSorted((a, b) => a - b)
    .map((worker) => folderOf(root, worker));
}

/**
 * Holds the folder of all journals for the primary of workers. What one process alone left there becomes the journal of
 * a worker, of one that there is or of one that there is no longer.
 * @returns releases the folder
 * @throws Error when another process holds it, or a journal in a former format is in it
 */
export async function holdJournals(config: SignetConfig): Promise<() => Promise<void>> {
  const root = rootOf(config);
  refuseFormerFormat(root);
  const release = await lockDirectory(root);
  if (existsSync(join(root, SEGMENTS_FOLDER))) {
    const taken = new Set(workersIn(root));
    let free = 1;
    while (taken.has(free)) free += 1;
    mkdirSync(folderOf(root, free), { mode: 0o700 });
    renameSync(join(root, SEGMENTS_FOLDER), join(folderOf(root, free), SEGMENTS_FOLDER));
  }
  return release;
}
