import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newId } from '@signet/platform';
import { liveBytes } from '@signet/testing';
import { DirectoryFileStore } from './directory-file-store.js';
import { describeFileStore } from './file-store.contract.js';

const filesIn = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((path) =>
    statSync(join(directory, path)).isFile(),
  );

async function* once(content: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(content);
}

/** A file system of its own, which is soon full; only root may have one. */
const mountSmallDisk = (directory: string): boolean =>
  spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory]).status === 0;
const unmount = (directory: string): boolean => spawnSync('umount', [directory]).status === 0;

function canMount(): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'signet-disk-'));
  const isMounted = mountSmallDisk(directory) && unmount(directory);
  rmSync(directory, { recursive: true });
  return isMounted;
}
const onSmallDisk = canMount() ? it : it.skip;

describeFileStore('a folder as the store of files', liveBytes, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'signet-files-'));
  const store = new DirectoryFileStore(directory);
  return {
    store,
    isEmpty: () => Promise.resolve(filesIn(directory).length === 0),
    close: async () => {
      await store.close();
      rmSync(directory, { recursive: true });
    },
  };
});

describe('DirectoryFileStore', () => {
  let directory: string;
  let store: DirectoryFileStore;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'signet-files-'));
    store = new DirectoryFileStore(directory);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('lets nobody but its user read contents', async () => {
    await store.write(newId(), once('secret'));
    const modes = filesIn(directory).map((path) => statSync(join(directory, path)).mode & 0o777);
    expect(modes).toEqual([0o600]);
  });

  it('removes what a process left that was killed while it wrote', async () => {
    const id = newId();
    await store.write(id, once('whole'));
    const [path = ''] = filesIn(directory);
    writeFileSync(join(directory, `${path}.partial`), 'hal');
    await store.remove(id);
    expect(filesIn(directory)).toEqual([]);
  });

  it('takes nothing but ids for places', async () => {
    for (const id of ['../../etc/passwd', 'a/b', '', '..']) await expect(store.read(id)).rejects.toThrow('UUID');
  });

  it('ends downloads that have begun with what they began with', async () => {
    const id = newId();
    await store.write(id, once('as it began'));
    const content = await store.read(id);
    await store.remove(id);
    const chunks: Buffer[] = [];
    for await (const chunk of content) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe('as it began');
  });

  onSmallDisk('says that the disk is full, and keeps nothing', async () => {
    mountSmallDisk(directory);
    try {
      await expect(store.write(newId(), once('x'.repeat(200_000)))).rejects.toMatchObject({ kind: 'storage-full' });
      expect(filesIn(directory)).toEqual([]);
      await store.write(newId(), once('x'.repeat(20_000)));
      expect(filesIn(directory)).toHaveLength(1);
    } finally {
      unmount(directory);
    }
  });

  it('is not ready when the folder cannot be made', async () => {
    writeFileSync(join(directory, 'occupied'), '');
    await expect(new DirectoryFileStore(join(directory, 'occupied')).ping()).rejects.toThrow('EEXIST');
  });
});
