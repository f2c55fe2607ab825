import { spawn, spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@signet/testing';

const environment = { ...process.env, PYTHONPATH: process.env['SIGNET_TEST_PYTHONPATH'] ?? '' };

/** Whether moto, an S3 that is not ours, is installed. */
export const hasS3Server = spawnSync('python3', ['-c', 'import moto.server'], { env: environment }).status === 0;

export interface S3Server {
  endpoint: string;
  close: () => Promise<void>;
}

/** moto's S3 in a process of its own, with nothing in it. */
export async function startS3Server(): Promise<S3Server> {
  const port = await freePort();
  const child = spawn('python3', ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], {
    env: environment,
    stdio: 'ignore',
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const endpoint = `http://127.0.0.1:${port}`;
  while (!(await answers(endpoint))) {
    if (child.exitCode !== null) throw new Error(`moto ended with ${child.exitCode}`);
    await sleep(50);
  }
  return {
    endpoint,
    async close() {
      child.kill();
      await exited;
    },
  };
}

const answers = (endpoint: string): Promise<boolean> =>
  fetch(endpoint).then(
    ({ ok }) => ok,
    () => false,
  );
