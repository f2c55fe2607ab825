import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { freePort } from '../service-process.js';
import type { Run, StoreName } from './run.js';
import { withoutLimits } from './start-embedded.js';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const START_WITHIN_MILLISECONDS = 90_000;
const run = promisify(execFile);

/** PostgreSQL, Redis and Kafka of this run alone, because it stops and flushes them. */
class Stores {
  readonly directory = mkdtempSync(join(tmpdir(), 'signet-story-'));

  /** @returns the addresses by variable: `DATABASE_URL` and so on */
  async start(...names: string[]): Promise<Record<string, string>> {
    const { stdout } = await this.services(...names, '--background');
    return Object.fromEntries([...stdout.matchAll(/^(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]));
  }

  async kill(name: StoreName): Promise<void> {
    const { pid } = PidFileSchema.parse(JSON.parse(readFileSync(join(this.directory, `${name}.pid`), 'utf8')));
    // PostgreSQL's is the immediate shutdown: a killed postmaster would leave its children holding the data folder.
    process.kill(pid, name === 'postgres' ? 'SIGQUIT' : 'SIGKILL');
    while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  async end(): Promise<void> {
    await this.services('--stop');
    rmSync(this.directory, { recursive: true, force: true });
  }

  private services(...args: string[]): Promise<{ stdout: string }> {
    const env = { ...process.env, SIGNET_SERVICES_DIR: this.directory };
    return run(process.execPath, ['tools/services.mjs', ...args], { cwd: root, env });
  }
}

const PidFileSchema = z.object({ pid: z.int() });
function isAlive(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.startsWith('Z') === false;
  } catch {
    return false;
  }
}

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
  const stores = new Stores();
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
        async flushRedis() {
          const redis = new Redis(addresses['REDIS_URL'] ?? '');
          await redis.flushall();
          redis.disconnect();
        },
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
