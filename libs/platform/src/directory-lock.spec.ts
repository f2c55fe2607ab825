import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { lockDirectory } from './directory-lock.js';

describe('lockDirectory', () => {
  const directories: string[] = [];
  const newDirectory = (): string => {
    const directory = mkdtempSync(join(tmpdir(), 'signet-lock-'));
    directories.push(directory);
    return directory;
  };
  afterAll(() => directories.forEach((directory) => rmSync(directory, { recursive: true, force: true })));

  it('holds a directory once, until it is released', async () => {
    const directory = newDirectory();
    const release = await lockDirectory(directory);
    await expect(lockDirectory(directory)).rejects.toThrow(/in use by another Signet process/);
    await release();
    await (
      await lockDirectory(directory)
    )();
  });

  it('works where the path is too long for a socket', async () => {
    const directory = join(newDirectory(), 'x'.repeat(120));
    const release = await lockDirectory(directory);
    await expect(lockDirectory(directory)).rejects.toThrow(/in use/);
    await release();
  });

  it('is free again after a kill -9 of its holder', async () => {
    const directory = newDirectory();
    const module = new URL('./directory-lock.ts', import.meta.url).href;
    const holder = spawn(process.execPath, [
      '--input-type=module',
      '-e',
      `const { lockDirectory } = await import(${JSON.stringify(module)}); await lockDirectory(${JSON.stringify(directory)}); console.log('held'); setInterval(() => {}, 1000);`,
    ]);
    await once(holder.stdout, 'data');
    await expect(lockDirectory(directory)).rejects.toThrow(/in use/);
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    await (
      await lockDirectory(directory)
    )();
  });
});
