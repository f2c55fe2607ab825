// npm run bench:redirect [-- --codes 10000 --distribution uniform|zipf --rounds 5 --seconds 4 --connections 64
//                         --against name=http://127.0.0.1:7010/s{n}]
// GET /{slug} of the redirect service against a bare node:http server with a map (which records nothing), the same with
// the least that keeps each scan and publishes it (publishing-server.mjs), and, where it is installed, nginx `return 302`:
// alternating rounds in one run, medians with spread, and ratios to the bare server.
// Afterwards it counts that every answered scan was journaled.
// Where taskset is, each server has the first core, and the load generator and the stores have the others: what a server
// answers is then what one core answers, journal and pump included. `--unpinned` leaves that to the scheduler.
// CPU a request is what the server's process took, all its threads together: it says more than rates on a busy machine.
// The codes are one that the API made, copied in PostgreSQL and in Redis: a million take about a minute. On embedded stores
// the API makes each of them.
// `--profile FILE` writes a CPU profile of the signet process (for Chrome's or VS Code's viewer) and lists its top.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { findServices, startServices } from '../tools/services.mjs';
import { freePort } from '../tools/services/process.mjs';
import { copyCode } from './copied-codes.mjs';
import { load, loadGenerator } from './load.mjs';
import { topOfProfile } from './profile.mjs';

const { values: options } = parseArgs({
  options: {
    codes: { type: 'string', default: '10000' },
    distribution: { type: 'string', default: 'uniform' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    connections: { type: 'string', default: '64' },
    embedded: { type: 'boolean', default: false },
    against: { type: 'string', multiple: true, default: [] },
    unpinned: { type: 'boolean', default: false },
    profile: { type: 'string' },
  },
});
const [codes, rounds, seconds, connections] = ['codes', 'rounds', 'seconds', 'connections'].map((name) =>
  Number(options[name]),
);
const { distribution } = options;
if (distribution !== 'uniform' && distribution !== 'zipf') throw new Error('--distribution takes uniform or zipf');
const folder = mkdtempSync(join(tmpdir(), 'signet-bench-'));
const key = 'sgk_bench_0123456789abcdefghijklmnop';
const children = [];

const cores = availableParallelism();
const isPinned = !options.unpinned && cores > 1 && spawnSync('taskset', ['--version']).error === undefined;
/** Threads and processes that are started later inherit it. */
const pinThisProcess = () => {
  if (isPinned) spawnSync('taskset', ['-apc', `1-${cores - 1}`, String(process.pid)]);
};

/** A server under test, on the core that they have in turns. */
function runServer(command, args, environment) {
  return isPinned ? run('taskset', ['-c', '0', command, ...args], environment) : run(command, args, environment);
}

function run(command, args, environment) {
  const child = spawn(command, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  children.push(child);
  return child;
}

async function until(url, accepts) {
  for (let tries = 0; tries < 600; tries += 1) {
    const ready = await fetch(url, { redirect: 'manual' }).then(accepts, () => false);
    if (ready) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${url} does not answer`);
}

async function startService(app, environment, { isTested = false } = {}) {
  const port = await freePort();
  const log = { SIGNET_LOG_LEVEL: 'warn', SIGNET_KEY_REQUESTS_PER_SECOND: '0', SIGNET_BOOTSTRAP_KEY: key };
  const profiling = isTested && options.profile ? ['--cpu-prof', ...profileAt(options.profile)] : [];
  const start = isTested ? runServer : run;
  const args = [...profiling, `apps/${app}/dist/main.js`];
  const { pid } = start(process.execPath, args, { ...log, ...environment, PORT: String(port) });
  const url = `http://127.0.0.1:${port}`;
  await until(`${url}/readyz`, ({ ok }) => ok);
  return { url, pid };
}

const profileAt = (file) => [`--cpu-prof-dir=${dirname(resolve(file))}`, `--cpu-prof-name=${basename(file)}`];

/** @returns CPU seconds of a process, or undefined where there is no /proc */
function cpuSeconds(pid) {
  try {
    const [, fields] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
    const [userTicks, systemTicks] = fields.split(' ').slice(11, 13).map(Number);
    return (userTicks + systemTicks) / 100;
  } catch {
    return undefined;
  }
}

/** @returns the memory that a process has in RAM, or NaN where there is no /proc */
function residentMegabytes(pid) {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
  } catch {
    return Number.NaN;
  }
}

/** The redirect service alone on real stores, or everything in one process on embedded ones. */
async function startSignet() {
  const found = findServices();
  const real = !options.embedded && Object.values(found).every(({ available }) => available);
  if (!real) {
    const service = await startService('signet', { SIGNET_DATA_DIR: join(folder, 'data') }, { isTested: true });
    return { name: 'signet (one process)', api: service.url, ...service, stop: async () => undefined };
  }
  const services = await startServices({ directory: join(folder, 'services') });
  const environment = {
    DATABASE_URL: services.databaseUrl,
    REDIS_URL: services.redisUrl,
    KAFKA_BROKERS: services.kafkaBrokers,
    SIGNET_MASTER_KEYS: `bench:${Buffer.alloc(32, 1).toString('base64')}`,
    SIGNET_PUBLIC_URL: 'http://127.0.0.1:8080',
  };
  spawnSync(process.execPath, ['apps/signet/dist/main.js', 'migrate'], {
    env: { ...process.env, ...environment },
    stdio: 'inherit',
  });
  const api = await startService('enrollment', { ...environment, SIGNET_DATA_DIR: join(folder, 'enrollment') });
  const redirectEnvironment = { ...environment, SIGNET_DATA_DIR: join(folder, 'redirect') };
  const redirect = await startService('redirect', redirectEnvironment, { isTested: true });
  const { databaseUrl, redisUrl, kafkaBrokers, stop } = services;
  const stores = { databaseUrl, redisUrl };
  return { name: 'signet redirect', api: api.url, ...redirect, stores, kafkaBrokers, stop };
}

/** The slugs are `PREFIX` and the numbers from 0 on. */
const PREFIX = 'c';

async function createCode(api, slug) {
  const response = await fetch(`${api}/v1/codes`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ slug, target: { url: 'https://example.com/bench' } }),
  });
  if (response.status !== 201) throw new Error(`creating a code: ${response.status} ${await response.text()}`);
}

async function createCodes({ api, stores }) {
  await createCode(api, `${PREFIX}0`);
  if (stores) await copyCode({ ...stores, prefix: PREFIX, count: codes });
  else
    for (let made = 1; made < codes; made += 20)
      await Promise.all(
        Array.from({ length: Math.min(20, codes - made) }, (_, index) => createCode(api, `${PREFIX}${made + index}`)),
      );
  return { prefix: PREFIX, count: codes };
}

async function startBare(name, script, { prefix, count }, environment = {}) {
  const port = await freePort();
  const slugs = { PREFIX: prefix, COUNT: String(count) };
  const { pid } = runServer(process.execPath, [script], { ...environment, ...slugs, PORT: String(port) });
  const url = `http://127.0.0.1:${port}`;
  await until(`${url}/${prefix}0`, ({ status }) => status === 302);
  return { name, url, pid };
}

const startRecordingNothing = (slugs) => startBare('bare node:http, records nothing', 'bench/bare-server.mjs', slugs);

/** Without Kafka there is none. */
async function startPublishing(slugs, brokers) {
  if (!brokers) return undefined;
  const environment = { KAFKA_BROKERS: brokers, FILE: join(folder, 'events') };
  return startBare('bare node:http, file and kafkajs', 'bench/publishing-server.mjs', slugs, environment);
}

async function startNginx() {
  if (spawnSync('nginx', ['-v']).error) return undefined;
  const port = await freePort();
  const file = join(folder, 'nginx.conf');
  writeFileSync(
    file,
    `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr; events { worker_connections 1024; }
     http { access_log off; server { listen 127.0.0.1:${port}; location / { return 302 https://example.com/bench; } } }`,
  );
  runServer('nginx', ['-c', file, '-p', folder]);
  await until(`http://127.0.0.1:${port}/x`, ({ status }) => status === 302);
  return { name: 'nginx return 302, records nothing', url: `http://127.0.0.1:${port}` };
}

/** `name=http://host:port/s{n}`: any server that answers `/s0`, `/s1`, … */
function otherServer(text) {
  const [, name, origin, prefix] = /^([^=]+)=(https?:\/\/[^/]+)\/(.*)\{n\}$/.exec(text) ?? [];
  if (!name) throw new Error(`--against takes name=http://host:port/prefix{n}, not ${text}`);
  return { name, url: origin, slugs: { prefix, count: codes } };
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
async function readMetric(url, name) {
  const text = await (await fetch(`${url}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
/** What the journal took over its life: shipped, waiting, and folded into counters. */
const journaled = async (url) =>
  (await readMetric(url, 'signet_scans_published_total')) +
  (await readMetric(url, 'signet_journal_depth')) +
  (await readMetric(url, 'signet_journal_folded_total'));

/** One round, with the CPU that the server's process took for an answer. */
async function measure({ url, pid, slugs }, duration) {
  const before = cpuSeconds(pid);
  const result = await load({ url, slugs, distribution, connections, seconds: duration, folder });
  const cpuMicros = before === undefined ? Number.NaN : ((cpuSeconds(pid) - before) / result.answers) * 1e6;
  return { ...result, cpuMicros };
}

let signet;
pinThisProcess();
try {
  signet = await startSignet();
  const slugs = await createCodes(signet);
  const servers = [
    signet,
    await startRecordingNothing(slugs),
    await startPublishing(slugs, signet.kafkaBrokers),
    await startNginx(),
    ...options.against.map(otherServer),
  ].filter(Boolean);
  console.log(
    `${codes} codes (${distribution}), ${connections} connections, ${rounds} rounds of ${seconds} s each, load by ${loadGenerator}, ${isPinned ? 'one core a server' : 'unpinned'}`,
  );
  const results = new Map(servers.map((server) => [server, []]));
  for (const server of servers) server.slugs ??= slugs;
  for (const server of servers) await measure(server, 2);
  const before = await journaled(signet.url);
  for (let round = 0; round < rounds; round += 1)
    for (const server of servers) results.get(server).push(await measure(server, seconds));
  const bare = median(results.get(servers[1]).map(({ perSecond }) => perSecond));
  for (const [{ name, pid }, measured] of results) {
    const rates = measured.map(({ perSecond }) => perSecond);
    const figures = [
      name.padEnd(34),
      `${Math.round(median(rates))}/s`.padStart(9),
      `(${Math.round(Math.min(...rates))}–${Math.round(Math.max(...rates))})`.padEnd(17),
      `× ${(median(rates) / bare).toFixed(2)} of bare`,
      `p50 ${median(measured.map(({ p50Ms }) => p50Ms)).toFixed(2)} ms`,
      `p99 ${median(measured.map(({ p99Ms }) => p99Ms)).toFixed(2)} ms`,
      `CPU ${median(measured.map(({ cpuMicros }) => cpuMicros)).toFixed(0)} µs`,
      `RSS ${residentMegabytes(pid).toFixed(0)} MB`,
      `errors ${measured.reduce((sum, { errors }) => sum + errors, 0)}`,
    ];
    console.log(figures.join('  '));
  }
  const answered = results.get(signet).reduce((sum, { answers }) => sum + answers, 0);
  const recorded = (await journaled(signet.url)) - before;
  console.log(
    `answered scans ${answered}, journaled ${recorded}: ${recorded >= answered ? 'every one' : 'SOME ARE MISSING'}`,
  );
  if (recorded < answered) process.exitCode = 1;
} finally {
  for (const child of children) child.kill('SIGTERM');
  await Promise.all(
    children.map((child) => (child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined)),
  );
  await signet?.stop();
  if (options.profile) console.log(topOfProfile(options.profile));
  rmSync(folder, { recursive: true, force: true });
}
