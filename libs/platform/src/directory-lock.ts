import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Longest path of a Unix socket that every platform takes (sun_path is 104 bytes on macOS). */
export const MAX_SOCKET_PATH = 100;

function lockPath(directory: string): string {
  const inside = join(directory, '.lock');
  if (Buffer.byteLength(inside) <= MAX_SOCKET_PATH) return inside;
  return join(tmpdir(), `signet-${createHash('sha256').update(directory).digest('hex').slice(0, 24)}.lock`);
}

const answers = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });

const listen = (server: Server, path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    // Otherwise the primary of workers would listen, and outlive the worker.
    server.listen({ path, exclusive: true }, resolve);
  });

/**
 * Holds a directory for this process, by a Unix socket that answers as long as it lives: a `kill -9` frees it, and no
 * reused pid or stale file can keep it.
 * @returns releases the directory
 * @throws Error when another process holds it
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = lockPath(realpathSync(directory));
  if (await answers(path))
    throw new Error(`${directory} is in use by another Signet process; stop it, or choose another SIGNET_DATA_DIR`);
  rmSync(path, { force: true });
  const server = createServer((socket) => socket.destroy());
  await listen(server, path);
  server.unref();
  return () => new Promise((resolve) => server.close(() => resolve()));
}
