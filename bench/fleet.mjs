// What the benchmarks of the distributed run share: real stores, a migrated database, service processes, codes.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startServices } from '../tools/services.mjs';
import { freePort } from '../tools/services/process.mjs';

const key = 'sgk_bench_0123456789abcdefghijklmnop';
const MAKING_AT_ONCE = 20;

export const percentile = (numbers, share) => {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
};

const profileAt = (file) => [
  '--cpu-prof',
  `--cpu-prof-dir=${dirname(resolve(file))}`,
  `--cpu-prof-name=${basename(file)}`,
];

/** Starts what `which` names. Kafka is away unless it is named. `profile`: the file for a CPU profile of the first redirect. */
export async function startFleet({
  which = ['postgres', 'redis'],
  redirects = 1,
  analytics: hasAnalytics = false,
  canDropMessages = false,
  profile,
}) {
  const folder = mkdtempSync(join(tmpdir(), 'signet-bench-'));
  const children = [];
  let services;
  let proxy;
  const stop = async () => {
    for (const child of children) child.kill('SIGTERM');
    await Promise.all(
      children.map((child) => (child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined)),
    );
    proxy?.stop();
    await services?.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    services = await startServices({ directory: join(folder, 'services'), which });
    if (canDropMessages) proxy = await startRedisProxy(services.redisUrl);
    const variables = {
      DATABASE_URL: services.databaseUrl,
      REDIS_URL: proxy?.url ?? services.redisUrl,
      KAFKA_BROKERS: services.kafkaBrokers ?? '127.0.0.1:1',
      SIGNET_MASTER_KEYS: `bench:${Buffer.alloc(32, 1).toString('base64')}`,
      SIGNET_PUBLIC_URL: 'http://127.0.0.1:8080',
      SIGNET_BOOTSTRAP_KEY: key,
      SIGNET_KEY_REQUESTS_PER_SECOND: '0',
      SIGNET_CLAIMS_PER_MINUTE: '0',
      SIGNET_UNKNOWN_SLUGS_PER_MINUTE: '0',
      SIGNET_TARGET_CHECK_INTERVAL_HOURS: '0',
      SIGNET_LOG_LEVEL: 'fatal',
    };
    const migrated = spawnSync(process.execPath, ['apps/signet/dist/main.js', 'migrate'], {
      env: { ...process.env, ...variables },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if (migrated.status !== 0) throw new Error('the database could not be migrated');
    const start = async (app, name, flags = []) => {
      const own = { PORT: String(await freePort()), SIGNET_DATA_DIR: join(folder, name) };
      const child = spawn(process.execPath, [...flags, `apps/${app}/dist/main.js`], {
        env: { ...process.env, ...variables, ...own },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      children.push(child);
      const url = `http://127.0.0.1:${own.PORT}`;
      while (
        !(await fetch(`${url}/readyz`).then(
          ({ ok }) => ok,
          () => false,
        ))
      ) {
        if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
        await sleep(50);
      }
      return { url, pid: child.pid };
    };
    const api = await start('enrollment', 'enrollment');
    const fleet = [];
    for (let n = 0; n < redirects; n += 1)
      fleet.push(await start('redirect', `redirect-${n}`, n === 0 && profile ? profileAt(profile) : []));
    const analytics = hasAnalytics ? await start('analytics', 'analytics') : undefined;
    return {
      services,
      api,
      analytics,
      key,
      redirects: fleet,
      call: (...what) => callApi(api.url, ...what),
      dropMessages: proxy?.drop,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * A proxy before Redis that can drop what is published: it swallows what comes to connections that have subscribed.
 * @returns {Promise<{url: string, drop: (dropping: boolean) => void, stop: () => void}>}
 */
async function startRedisProxy(redisUrl) {
  let dropping = false;
  const { port: redisPort } = new URL(redisUrl);
  const sockets = new Set();
  const server = createServer((client) => {
    const upstream = connect(Number(redisPort), '127.0.0.1');
    let hasSubscribed = false;
    client.on('data', (chunk) => {
      hasSubscribed ||= chunk.toString('latin1').toLowerCase().includes('subscribe');
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (!(dropping && hasSubscribed)) client.write(chunk);
    });
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ]) {
      sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `redis://127.0.0.1:${server.address().port}`,
    drop: (drops) => (dropping = drops),
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** @returns the answer, read to its end; lighter than fetch */
export function send(url, { body, ...init }) {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, init, (answer) => answer.resume().on('end', () => resolve(answer)));
    outgoing.on('error', reject).end(body);
  });
}

/** @returns the parsed answer of a call that succeeds */
async function callApi(url, method, path, body) {
  const headers = { authorization: `Bearer ${key}`, ...(body ? { 'content-type': 'application/json' } : {}) };
  const answer = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

export async function createCodes({ call }, count, body) {
  const codes = [];
  const work = async () => {
    while (codes.length < count) {
      const place = codes.push(undefined) - 1;
      codes[place] = await call('POST', '/v1/codes', { target: { url: 'https://example.com/bench' }, ...body });
    }
  };
  await Promise.all(Array.from({ length: MAKING_AT_ONCE }, work));
  return codes;
}
