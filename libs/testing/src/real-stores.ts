import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { z } from 'zod';
import type { StoreName } from './story/run.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const run = promisify(execFile);
const PidFileSchema = z.object({ pid: z.int() });

/** PostgreSQL, Redis and Kafka for one test alone, because it freezes, kills and flushes them. */
export class RealStores {
  readonly directory = mkdtempSync(join(tmpdir(), 'signet-stores-'));
  private readonly addresses: Record<string, string> = {};

  /** Also those that were killed, on the same port and data. @returns the addresses by variable: `DATABASE_URL`, … */
  async start(...names: StoreName[]): Promise<Record<string, string>> {
    const { stdout } = await this.services(...names, '--background');
    const told = [...stdout.matchAll(/^(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]);
    return Object.assign(this.addresses, Object.fromEntries(told));
  }

  /** Ends a server at once, without a goodbye to its clients. */
  async kill(name: StoreName): Promise<void> {
    const pid = this.pidOf(name);
    // PostgreSQL's is the immediate shutdown: a killed postmaster would leave its children holding the data folder.
    process.kill(pid, name === 'postgres' ? 'SIGQUIT' : 'SIGKILL');
    while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /**
   * Stops a server where it is, with its connections open: it neither answers nor refuses.
   * @returns lets it go on
   */
  freeze(name: StoreName): () => void {
    const pid = this.pidOf(name);
    const frozen = [pid, ...childrenOf(pid)];
    for (const each of frozen) process.kill(each, 'SIGSTOP');
    return () => {
      for (const each of frozen.toReversed()) process.kill(each, 'SIGCONT');
    };
  }

  async flushRedis(): Promise<void> {
    const redis = new Redis(this.addresses['REDIS_URL'] ?? '');
    await redis.flushall();
    redis.disconnect();
  }

  async end(): Promise<void> {
    await this.services('--stop');
    rmSync(this.directory, { recursive: true, force: true });
  }

  private pidOf(name: StoreName): number {
    return PidFileSchema.parse(JSON.parse(readFileSync(join(this.directory, `${name}.pid`), 'utf8'))).pid;
  }

  private services(...args: string[]): Promise<{ stdout: string }> {
    const env = { ...process.env, SIGNET_SERVICES_DIR: this.directory };
    return run(process.execPath, ['tools/services.mjs', ...args], { cwd: root, env });
  }
}

/** @returns state and parent as /proc has them; undefined when there is no such process */
function statOf(pid: number): { state: string; parent: number } | undefined {
  try {
    const [state = '', parent] = (readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1) ?? '').split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

/** A zombie has ended; only its parent has not asked how. */
function isAlive(pid: number): boolean {
  const stat = statOf(pid);
  return stat !== undefined && stat.state !== 'Z';
}

export const childrenOf = (pid: number): number[] =>
  readdirSync('/proc')
    .map(Number)
    .filter((each) => statOf(each)?.parent === pid);
