import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { RealStores } from '../real-stores.js';
import { freePort } from '../service-process.js';
import type { Run } from './run.js';
import { withoutLimits } from './start-embedded.js';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const START_WITHIN_MILLISECONDS = 90_000;

/** `npm run start:distributed`, with its supervisor: what is killed is started again. */
class Supervisor {
  private output = '';
  private readonly child: ChildProcess;

  constructor(port: number, firstPort: number, environment: Record<string, string>) {
    const args = ['tools/start-distributed.mjs', '--port', String(port), '--first-port', String(firstPort)];
    this.child = spawn(process.execPath, args, {
      cwd: root,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
      });
  }

  async until(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    const deadline = Date.now() + START_WITHIN_MILLISECONDS;
    for (;;) {
      const found = pattern.exec(this.output.slice(from));
      if (found) return found;
      if (Date.now() > deadline || this.child.exitCode !== null)
        throw new Error(`${pattern} was not said:\n${this.output.slice(-4000)}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  /** `kill -9` of a service; resolves when its successor has been started. */
  async kill(service: string): Promise<void> {
    const pids = [...this.output.matchAll(new RegExp(`^${service} +started, pid (\\d+)$`, 'gm'))];
    const said = this.output.length;
    process.kill(Number(pids.at(-1)?.[1]), 'SIGKILL');
    await this.until(new RegExp(`^${service} +started, pid`, 'm'), said);
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exited;
  }
}

/** The four services as processes of their own on real PostgreSQL, Redis and Kafka, behind one origin. */
export async function startDistributed(): Promise<Run> {
  const stores = new RealStores();
  const key = 'sgk_story_0123456789abcdefghijklmnop';
  try {
    const addresses = await stores.start('postgres', 'redis', 'kafka');
    const [port, firstPort] = [await freePort(), 20_000 + Math.floor(Math.random() * 10_000)];
    const environment = {
      ...withoutLimits,
      ...addresses,
      SIGNET_BOOTSTRAP_KEY: key,
      SIGNET_SERVICES_DIR: stores.directory,
    };
    const supervisor = new Supervisor(port, firstPort, environment);
    await supervisor.until(/Signet is ready/);
    const redirect = `http://127.0.0.1:${firstPort + 1}/readyz`;
    const untilReady = async (): Promise<void> => {
      while (
        !(await fetch(redirect).then(
          ({ ok }) => ok,
          () => false,
        ))
      )
        await new Promise((resolve) => setTimeout(resolve, 25));
    };
    return {
      name: 'distributed',
      url: `http://127.0.0.1:${port}`,
      key,
      killRedirect: () => supervisor.kill('redirect'),
      startRedirect: untilReady,
      stores: {
        kill: (name) => stores.kill(name),
        async start(name) {
          await stores.start(name);
        },
        flushRedis: () => stores.flushRedis(),
      },
      async stop() {
        await supervisor.end();
        await stores.end();
      },
    };
  } catch (error) {
    await stores.end();
    throw error;
  }
}
