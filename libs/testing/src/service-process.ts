import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const READY_WITHIN_MILLISECONDS = 60_000;

/** A port that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** A built service as its own process: started, killed and started again on the same port. */
export class ServiceProcess {
  private child?: ChildProcess;
  /** Everything that it printed, over all its lives. */
  output = '';

  /** @param script below the repository's root, such as `apps/redirect/dist/main.js` */
  constructor(
    private readonly script: string,
    private readonly args: readonly string[],
    readonly port: number,
    private readonly environment: Record<string, string>,
  ) {}

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Resolves when `/readyz` says so. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, ['--enable-source-maps', this.script, ...this.args], {
      cwd: root,
      env: { PATH: process.env['PATH'] ?? '', ...this.environment, PORT: String(this.port) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
      });
    const deadline = Date.now() + READY_WITHIN_MILLISECONDS;
    while (!(await this.ready())) {
      if (child.exitCode !== null || Date.now() > deadline)
        throw new Error(`${this.script} is not ready (exit ${child.exitCode}):\n${this.output.slice(-4000)}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  /** @returns the exit code; null after a signal that ended it */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
    return child.exitCode;
  }

  /** @returns the exit code, when it has ended by itself */
  async exited(): Promise<number | null> {
    const { child } = this;
    if (child && child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return child?.exitCode ?? null;
  }

  private async ready(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/readyz`)).ok;
    } catch {
      return false;
    }
  }
}
