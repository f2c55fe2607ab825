import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { MAX_SOCKET_PATH } from '../directory-lock.js';

const SOCKET = '.s.PGSQL.5432';

export interface EmbeddedPostgres {
  /** The directory of the Unix socket: what `pg` takes as host. */
  socketDirectory: string;
  stop(): Promise<void>;
}

const message = (worker: Worker, expected: string): Promise<void> =>
  new Promise((fulfil, reject) => {
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the embedded PostgreSQL ended with ${code}`)));
    worker.once('message', (text) => (text === expected ? fulfil() : reject(new Error(String(text)))));
  });

/** Beside the data, so that a process that was killed leaves nothing elsewhere; a long path has no room for a socket. */
function makeSocketDirectory(directory: string): string {
  const beside = `${resolve(directory)}.socket`;
  if (Buffer.byteLength(join(beside, SOCKET)) > MAX_SOCKET_PATH) return mkdtempSync(join(tmpdir(), 'signet-pg-'));
  rmSync(beside, { recursive: true, force: true });
  mkdirSync(beside, { mode: 0o700 });
  return beside;
}

/**
 * PostgreSQL in WebAssembly behind a Unix socket, for the run without a server. One session: while a transaction is
 * open, a query on another connection waits for its end, so a transaction must hand its manager down.
 * @param directory the data; the caller holds its lock
 */
export async function startEmbeddedPostgres(directory: string): Promise<EmbeddedPostgres> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const socketDirectory = makeSocketDirectory(directory);
  const file = `./embedded-postgres.worker${extname(import.meta.url)}`;
  const worker = new Worker(new URL(file, import.meta.url), {
    workerData: { directory, socket: join(socketDirectory, SOCKET) },
  });
  await message(worker, 'ready');
  worker.removeAllListeners();
  return {
    socketDirectory,
    async stop() {
      const closed = message(worker, 'closed');
      worker.postMessage('stop');
      await closed;
      worker.removeAllListeners();
      await worker.terminate();
      rmSync(socketDirectory, { recursive: true, force: true });
    },
  };
}
