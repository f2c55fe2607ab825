import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Service } from './process.mjs';

/** @returns {{available: true, command: string} | {available: false, reason: string}} */
export function findRedis() {
  for (const command of ['redis-server', 'valkey-server']) {
    try {
      execFileSync(command, ['--version'], { stdio: 'ignore' });
      return { available: true, command };
    } catch {
      // Try the next name.
    }
  }
  return { available: false, reason: 'no redis-server on the PATH' };
}

/** @returns {{service: Service, url: string}} */
export function prepareRedis({ directory, port, found }) {
  const data = join(directory, 'redis');
  mkdirSync(data, { recursive: true });
  const settings = { port, bind: '127.0.0.1', dir: data, daemonize: 'no', save: '', appendonly: 'yes' };
  const service = new Service({
    name: 'redis',
    directory,
    // Redis rewrites its command line to its name and address.
    marker: `127.0.0.1:${port}`,
    command: [found.command, ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])],
    stopSignal: 'SIGTERM',
    probe: () => ping(port),
  });
  return { service, url: `redis://127.0.0.1:${port}` };
}

function ping(port) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write('PING\r\n'));
    socket.setTimeout(2000, () => socket.destroy(new Error('no answer to PING')));
    socket.once('data', (answer) => {
      socket.destroy();
      if (answer.toString().startsWith('+PONG')) resolve();
      else reject(new Error(answer.toString().trim()));
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed before an answer to PING')));
  });
}
