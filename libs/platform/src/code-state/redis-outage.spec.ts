import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { snapshotOf, until } from './code-state.contract.js';
import { RedisCodeState } from './redis-code-state.js';

const logger = pino({ level: 'silent' });
const at = new Date('2026-11-24T12:00:00.000Z');

// These tests stop a server, so they start one of their own.
const describeWithServer = spawnSync('redis-server', ['--version']).status === 0 ? describe : describe.skip;

describeWithServer('RedisCodeState when its Redis goes away', () => {
  let directory: string;
  let port: number;
  let server: ChildProcess;
  let state: RedisCodeState;

  async function startServer(): Promise<void> {
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    server = spawn('redis-server', [...args, '--dir', directory], { stdio: 'ignore' });
    const probe = new Redis({ port, retryStrategy: () => 20, maxRetriesPerRequest: null });
    probe.on('error', () => undefined);
    await probe.ping();
    probe.disconnect();
  }
  async function stopServer(): Promise<void> {
    if (server.exitCode !== null || server.signalCode !== null) return;
    server.kill('SIGKILL');
    await once(server, 'exit');
  }
  /** Resolves when the adapter works again. */
  async function recovery(): Promise<void> {
    await until(() =>
      state.ping().then(
        () => true,
        () => false,
      ),
    );
  }

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'signet-redis-'));
    port = await freePort();
    await startServer();
    state = new RedisCodeState({ url: `redis://127.0.0.1:${port}`, logger });
  });
  afterEach(async () => {
    await state.close();
    await stopServer();
    await rm(directory, { recursive: true });
  });

  it('counts limits here while it is away, and over all processes while it is there', async () => {
    const other = new RedisCodeState({ url: `redis://127.0.0.1:${port}`, logger });
    await other.ping();
    const limit = { keyPrefix: 'guess', points: 2, duration: 60 };
    const limiters = [state.limiter(limit), other.limiter(limit)] as const;
    for (const limiter of limiters) await limiter.consume('somebody');
    await expect(limiters[1].consume('somebody')).rejects.toMatchObject({ msBeforeNext: expect.any(Number) });
    await stopServer();
    const here = [await limiters[0].consume('a'), await limiters[0].consume('a')];
    expect(here.map(({ remainingPoints }) => remainingPoints)).toEqual([1, 0]);
    await expect(limiters[0].consume('a')).rejects.toMatchObject({ msBeforeNext: expect.any(Number) });
    await other.close();
  });

  it('rejects every call as unavailable within a second, and works again after a restart', async () => {
    await state.write('summer', snapshotOf(2));
    await stopServer();
    const calls = [
      state.read('summer'),
      state.write('summer', snapshotOf(3)),
      state.fill('summer', { snapshot: snapshotOf(3), used: 0 }),
      state.gate({ key: 'summer', at }),
      state.settle({ key: 'summer', used: 1 }),
      state.ping(),
    ];
    for (const { error, milliseconds } of await Promise.all(calls.map(failure))) {
      expect(error).toMatchObject({ kind: 'unavailable', cause: expect.any(Error) });
      expect(milliseconds).toBeLessThan(1000);
    }
    await startServer();
    await recovery();
    // The restarted server has neither codes nor scripts.
    expect(await state.read('summer')).toBeUndefined();
    expect(await state.write('summer', snapshotOf(1))).toBe(true);
    expect(await state.gate({ key: 'summer', at })).toBe('open');
  });

  it('rejects within a second while Redis hangs, and works again when it goes on', async () => {
    await state.write('summer', snapshotOf(1));
    server.kill('SIGSTOP');
    try {
      for (let attempt = 0; attempt < 5; attempt++) {
        const { error, milliseconds } = await failure(state.read('summer'));
        expect(error).toMatchObject({ kind: 'unavailable' });
        expect(milliseconds).toBeLessThan(1000);
      }
    } finally {
      server.kill('SIGCONT');
    }
    await recovery();
    expect(await state.read('summer')).toMatchObject({ snapshot: { version: 1 } });
  });

  it('starts without Redis and works when it comes', async () => {
    await stopServer();
    const early = new RedisCodeState({ url: `redis://127.0.0.1:${port}`, logger });
    try {
      const { error, milliseconds } = await failure(early.ping());
      expect(error).toMatchObject({ kind: 'unavailable' });
      expect(milliseconds).toBeLessThan(1000);
      const heard: (string | undefined)[] = [];
      early.onChange((key) => heard.push(key));
      await startServer();
      await until(() => heard.length > 0);
      await recovery();
      await state.write('summer', snapshotOf(1));
      await until(() => heard.length > 1);
      expect(heard).toEqual([undefined, 'summer']);
    } finally {
      await early.close();
    }
  });

  it('tells listeners to drop everything when messages may have been lost', async () => {
    const heard: (string | undefined)[] = [];
    state.onChange((key) => heard.push(key));
    await until(() => heard.length > 0);
    await stopServer();
    await startServer();
    await until(() => heard.length > 1);
    await recovery();
    await state.write('summer', snapshotOf(1));
    await until(() => heard.length > 2);
    expect(heard).toEqual([undefined, undefined, 'summer']);
  });

  it('keeps codes and arguments out of its errors', async () => {
    const outsider = new Redis({ port });
    await outsider.set('signet:code:{summer}', 'not a hash');
    await outsider.quit();
    const { error } = await failure(
      state.write('summer', snapshotOf(1, { target: { url: 'https://example.org/private' } })),
    );
    expect(error).toMatchObject({ kind: 'unavailable' });
    const { cause } = error instanceof Error ? error : {};
    expect(cause).toBeInstanceOf(Error);
    // All that a logger could find on it.
    expect(inspect(cause, { showHidden: true })).not.toMatch(/summer|private/);
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** How a call fails (undefined: it doesn't), and how long that takes. */
async function failure(call: Promise<unknown>): Promise<{ error: unknown; milliseconds: number }> {
  const start = performance.now();
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return { error, milliseconds: performance.now() - start };
}
