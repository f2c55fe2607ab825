// npm run bench:bulk [-- --rows 100000 --heap 160]
// POST /v1/codes/bulk of so many new codes (NDJSON, with an Idempotency-Key) to the enrollment service on real
// PostgreSQL, Redis and Kafka: seconds, rows a second and the most memory that the service's process had. Afterwards it
// asks each store whether all are there, sends the same upload again, and revokes everything by filter.
// Beside it, in the same run, what the disk and PostgreSQL do without the product: as many rows of the same text, 500 a
// transaction, into a table with a key. CPU is what the service's process took, its relay of events and its chaining of
// audit entries included: it says more than seconds on a busy machine. `--heap` is the service's --max-old-space-size, in
// MB, with young spaces of 16 MB: what is alive is some 75 MB, but V8 lets garbage lie where it sees much memory.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import pg from 'pg';
import { startServices } from '../tools/services.mjs';
import { freePort } from '../tools/services/process.mjs';

const { values } = parseArgs({
  options: { rows: { type: 'string', default: '100000' }, heap: { type: 'string' } },
});
const rows = Number(values.rows);
const folder = mkdtempSync(join(tmpdir(), 'signet-bench-'));
const key = 'sgk_bench_0123456789abcdefghijklmnop';
let child;
// The services end with this process, however it ends.
process.once('exit', () => child?.kill('SIGTERM'));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

const rowAt = (n) =>
  `${JSON.stringify({
    target: { url: `https://shop.example.com/products/${n}?ref=print` },
    slug: `bulk-${n}`,
    title: `Product ${n}`,
    tags: ['catalogue', `shelf-${n % 50}`],
    folder: `Shop/${n % 20}`,
    campaign: 'spring',
  })}\n`;

async function startEnrollment(environment) {
  const port = await freePort();
  const env = { ...process.env, ...environment, PORT: String(port), SIGNET_DATA_DIR: join(folder, 'data') };
  spawnSync(process.execPath, ['apps/signet/dist/main.js', 'migrate'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const heap = values.heap === undefined ? [] : [`--max-old-space-size=${values.heap}`, '--max-semi-space-size=16'];
  child = spawn(process.execPath, [...heap, 'apps/enrollment/dist/main.js'], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const url = `http://127.0.0.1:${port}`;
  while (
    !(await fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (child.exitCode !== null) throw new Error(`the service ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return url;
}

/** @returns the most memory that a process ever had, in MB; undefined where there is no /proc */
function peakMegabytes(pid) {
  try {
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(kilobytes) / 1024;
  } catch {
    return undefined;
  }
}

/** @returns CPU seconds of a process; undefined where there is no /proc */
function cpuSeconds(pid) {
  try {
    const [, fields] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
    const [userTicks, systemTicks] = fields.split(' ').slice(11, 13).map(Number);
    return (userTicks + systemTicks) / 100;
  } catch {
    return undefined;
  }
}

/** Sends rows as fast as they are taken, and reads the answers as they come. */
async function upload(url, onceKey) {
  const outgoing = request(`${url}/v1/codes/bulk`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson', 'idempotency-key': onceKey },
  });
  const startedAt = performance.now();
  const answered = once(outgoing, 'response').then(async ([response]) => {
    const counts = {};
    let next = 0;
    let firstAfter;
    for await (const line of createInterface({ input: response })) {
      firstAfter ??= performance.now() - startedAt;
      const { index, status } = JSON.parse(line);
      if (index !== next) throw new Error(`row ${index} was answered in the place of ${next}`);
      next += 1;
      counts[status] = (counts[status] ?? 0) + 1;
    }
    return { counts, firstAfter };
  });
  for (let n = 0; n < rows; n += 1) if (!outgoing.write(rowAt(n))) await once(outgoing, 'drain');
  outgoing.end();
  const { counts, firstAfter } = await answered;
  return { seconds: (performance.now() - startedAt) / 1000, counts, firstAfter };
}

async function bareInserts(connectionString) {
  const client = new pg.Client({ connectionString });
  await client.connect();
  await client.query('CREATE TABLE bare (slug text PRIMARY KEY, body jsonb NOT NULL)');
  const startedAt = performance.now();
  for (let first = 0; first < rows; first += 500) {
    const bodies = Array.from({ length: Math.min(500, rows - first) }, (_, n) => rowAt(first + n));
    await client.query(`INSERT INTO bare SELECT body->>'slug', body FROM unnest($1::jsonb[]) AS body`, [bodies]);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  await client.end();
  return seconds;
}

let services;
try {
  services = await startServices({ directory: join(folder, 'services') });
  const url = await startEnrollment({
    DATABASE_URL: services.databaseUrl,
    REDIS_URL: services.redisUrl,
    KAFKA_BROKERS: services.kafkaBrokers,
    SIGNET_MASTER_KEYS: `bench:${Buffer.alloc(32, 1).toString('base64')}`,
    SIGNET_PUBLIC_URL: 'http://127.0.0.1:8080',
    SIGNET_BOOTSTRAP_KEY: key,
    SIGNET_LOG_LEVEL: 'warn',
    SIGNET_TARGET_CHECK_INTERVAL_HOURS: '0',
  });
  const atRest = peakMegabytes(child.pid);
  const cpuBefore = cpuSeconds(child.pid);
  const first = await upload(url, 'bench');
  const peak = peakMegabytes(child.pid);
  console.log(
    `${rows} codes: ${first.seconds.toFixed(1)} s, ${Math.round(rows / first.seconds)} rows/s, ` +
      `first answer after ${Math.round(first.firstAfter)} ms, ${JSON.stringify(first.counts)}`,
  );
  console.log(`CPU of the service: ${(cpuSeconds(child.pid) - cpuBefore).toFixed(1)} s`);
  console.log(`memory: ${Math.round(peak)} MB at most, ${Math.round(atRest)} MB before`);

  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const { codes } = await (await fetch(`${url}/v1/usage`, { headers })).json();
  const redis = new Redis(services.redisUrl);
  let inRedis = 0;
  for (let n = 0; n < rows; n += 1000) {
    const asked = redis.pipeline();
    for (let m = n; m < Math.min(rows, n + 1000); m += 1) asked.exists(`signet:code:{bulk-${m}}`);
    inRedis += (await asked.exec()).reduce((sum, [, found]) => sum + found, 0);
  }
  redis.disconnect();
  console.log(`in PostgreSQL ${codes.used}, in Redis ${inRedis}`);

  const again = await upload(url, 'bench');
  console.log(`the same upload again: ${again.seconds.toFixed(1)} s, ${JSON.stringify(again.counts)}`);
  const startedAt = performance.now();
  const revoked = await fetch(`${url}/v1/codes/bulk/revoke`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ filter: { campaign: 'spring' }, reason: 'bench' }),
  });
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(`revoked by filter: ${seconds.toFixed(1)} s, ${await revoked.text()}`);
  console.log(`memory: ${Math.round(peakMegabytes(child.pid))} MB at most after all of it`);
  const bare = await bareInserts(services.databaseUrl);
  console.log(
    `bare inserts of the same rows: ${bare.toFixed(1)} s; the upload took ${(first.seconds / bare).toFixed(1)} ×`,
  );
  if (codes.used !== rows || inRedis !== rows || first.counts.created !== rows) process.exitCode = 1;
} finally {
  child?.kill('SIGTERM');
  if (child && child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  await services?.stop();
  rmSync(folder, { recursive: true, force: true });
}
