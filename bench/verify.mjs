// npm run bench:verify [-- --subjects 20000 --seconds 8 --connections 64 --rate 750 --embedded --service verification
//                       --profile FILE]
// POST /v1/verifications with right codes (audit entry, one-use and event included): first as fast as they are answered,
// then half as many a second (or `--rate`), sent when their time comes whether or not earlier ones were answered. Beside two
// bare things: the HMACs of a verification in a loop, and `UPDATE … RETURNING` of one row over ten connections of the
// same database. CPU a verification is that of the service, of PostgreSQL, and of this process: on two cores they share.
// `--embedded`: the run without servers; `--service verification`: this service alone, its events wait in the outbox.
// `--profile FILE` writes a CPU profile of the service (for Chrome's or VS Code's viewer) and lists its top.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { KeyRing, startEmbeddedPostgres } from '@signet/platform';
import { startServices } from '../tools/services.mjs';
import { freePort } from '../tools/services/process.mjs';
import { Connection } from './connection.mjs';
import { cpuSeconds } from './cpu.mjs';
import { percentile } from './fleet.mjs';
import { topOfProfile } from './profile.mjs';
import { CodeSource, readTableSizes, seedSubjects, totp } from './subjects.mjs';

const { values: options } = parseArgs({
  options: {
    subjects: { type: 'string', default: '20000' },
    seconds: { type: 'string', default: '8' },
    connections: { type: 'string', default: '64' },
    rate: { type: 'string' },
    service: { type: 'string', default: 'signet' },
    embedded: { type: 'boolean', default: false },
    profile: { type: 'string' },
  },
});
const [subjects, seconds, connections] = ['subjects', 'seconds', 'connections'].map((name) => Number(options[name]));
const WARM_UP_SECONDS = 4;
const START_SECONDS = 120;
const folder = mkdtempSync(join(tmpdir(), 'signet-bench-verify-'));
const key = 'sgk_bench_0123456789abcdefghijklmnop';
const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
const masterKeys = KeyRing.generate();

function start(app, environment, { profile } = {}) {
  const profiling = profile
    ? ['--cpu-prof', `--cpu-prof-dir=${dirname(resolve(profile))}`, `--cpu-prof-name=${basename(profile)}`]
    : [];
  return spawn(process.execPath, [...profiling, `apps/${app}/dist/main.js`, ...(app === 'signet' ? ['start'] : [])], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      SIGNET_DATA_DIR: join(folder, 'data'),
      SIGNET_BOOTSTRAP_KEY: key,
      SIGNET_MASTER_KEYS: masterKeys,
      SIGNET_LOG_LEVEL: 'error',
      SIGNET_KEY_REQUESTS_PER_SECOND: '0',
      ...environment,
    },
  });
}

async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

async function untilReady(url, process) {
  const deadline = performance.now() + START_SECONDS * 1000;
  while (performance.now() < deadline && process.exitCode === null) {
    // The first key exists a moment after the service is ready: a call that is refused for its body knows the key.
    const answer = await fetch(`${url}/v1/verifications`, { method: 'POST', headers, body: '{}' }).catch(
      () => undefined,
    );
    if (answer?.status === 422 || answer?.status === 400) return;
    await sleep(100);
  }
  throw new Error('the service does not get ready');
}

/** The workspace is made by the first start of the whole product; the subjects come into the database behind its back. */
async function prepare(stores) {
  const port = await freePort();
  const first = start('signet', { ...stores, PORT: String(port) });
  try {
    await untilReady(`http://127.0.0.1:${port}`, first);
  } finally {
    await stop(first);
  }
  const embedded = options.embedded ? await startEmbeddedPostgres(join(folder, 'data', 'postgres')) : undefined;
  const pool = embedded
    ? new pg.Pool({
        host: embedded.socketDirectory,
        user: 'postgres',
        password: 'postgres',
        database: 'postgres',
        max: 1,
      })
    : new pg.Pool({ connectionString: stores.DATABASE_URL, max: 10 });
  const { rows } = await pool.query('SELECT id FROM access.workspaces');
  await seedSubjects(pool, { count: subjects, workspaceId: rows[0].id, masterKeys });
  const updates = await bareUpdates(pool, embedded ? 1 : 10);
  const sizes = await readTableSizes(pool);
  await pool.end();
  await embedded?.stop();
  return { updates, sizes };
}

/** Runs `work` in as many lanes as are given for a while. @returns what it did a second */
async function closedLoop(lanes, duration, work) {
  const durations = [];
  const begun = performance.now();
  const lane = async (own) => {
    while (performance.now() < begun + duration * 1000) {
      const at = performance.now();
      await work(own);
      durations.push(performance.now() - at);
    }
  };
  await Promise.all(lanes.map(lane));
  return { rate: durations.length / ((performance.now() - begun) / 1000), durations };
}

/** Sends at a fixed rate; a duration begins when its request should have been sent, not when a lane was free for it. */
async function openLoop(lanes, { duration, rate }, work) {
  const durations = [];
  const begun = performance.now();
  const total = Math.floor(duration * rate);
  let next = 0;
  const lane = async (own) => {
    while (next < total) {
      const due = begun + (next++ / rate) * 1000;
      const early = due - performance.now();
      if (early > 0) await sleep(early);
      await work(own);
      durations.push(performance.now() - due);
    }
  };
  await Promise.all(lanes.map(lane));
  return { rate: durations.length / ((performance.now() - begun) / 1000), durations };
}

function bareHmacs() {
  const end = performance.now() + 1000;
  let count = 0;
  for (; performance.now() < end; count += 1) for (const step of [count, count + 1]) totp(step);
  return count;
}

async function bareUpdates(pool, width) {
  await pool.query('CREATE TABLE public.bench (id int PRIMARY KEY, step bigint NOT NULL) WITH (fillfactor = 85)');
  await pool.query('INSERT INTO public.bench SELECT n, 0 FROM generate_series(1, 10000) n');
  let next = 0;
  const { rate } = await closedLoop(Array(width).fill(), 3, () =>
    pool.query('UPDATE public.bench SET step = step + 1 WHERE id = $1 AND step < $2 RETURNING id', [
      (next++ % 10_000) + 1,
      1e9,
    ]),
  );
  await pool.query('DROP TABLE public.bench');
  return rate;
}

/** The CPU seconds of all that take part, by name. */
function cpuNow(pids) {
  const { user, system } = process.cpuUsage();
  const others = Object.entries(pids).map(([name, pid]) => [name, pid === undefined ? 0 : cpuSeconds(pid)]);
  return Object.fromEntries([...others, ['load', (user + system) / 1e6]]);
}

async function observed(pids, work) {
  const before = cpuNow(pids);
  const result = await work();
  const after = cpuNow(pids);
  const count = result.durations.length;
  const cpu = Object.keys(after).map(
    (name) => `${name} ${Math.round(((after[name] - before[name]) / count) * 1e6)} µs`,
  );
  return { ...result, cpu };
}

function report(name, { rate, durations, cpu }) {
  const times = [0.5, 0.99].map((share) => `p${share * 100} ${percentile(durations, share).toFixed(1)} ms`);
  console.log(`${name}: ${Math.round(rate)} verifications/s, ${times.join(', ')}; CPU each: ${cpu.join(', ')}`);
}

let services;
let child;
try {
  services = options.embedded
    ? undefined
    : await startServices({ which: ['postgres'], directory: join(folder, 'services') });
  const stores = services ? { DATABASE_URL: services.databaseUrl } : {};
  const alone =
    options.service === 'signet'
      ? {}
      : { REDIS_URL: 'redis://127.0.0.1:1', KAFKA_BROKERS: '127.0.0.1:1', SIGNET_PUBLIC_URL: 'http://127.0.0.1:1' };
  const { updates, sizes } = await prepare(stores);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  child = start(options.service, { ...stores, ...alone, PORT: String(port) }, options);
  await untilReady(url, child);
  const hmacs = bareHmacs();
  const source = new CodeSource(subjects);
  const lanes = Array.from({ length: connections }, () => new Connection(url));
  let rejected = 0;
  const verify = async (lane) => {
    const body = JSON.stringify({ factor: 'totp', ...source.next() });
    const { text } = await lane.send({ method: 'POST', path: '/v1/verifications', headers, body });
    if (!text.includes('"accepted"')) rejected += 1;
  };
  const pids = { service: child.pid, ...(services && { postgres: services.postgres.pid }) };
  console.log(
    `${options.service}${options.embedded ? ' embedded' : ''}, ${connections} connections, ${subjects} subjects, load average ${loadavg()[0].toFixed(1)}; ${sizes}`,
  );
  await closedLoop(lanes, WARM_UP_SECONDS, verify);
  const most = await observed(pids, () => closedLoop(lanes, seconds, verify));
  report('as fast as answered', most);
  const rate = options.rate ? Number(options.rate) : most.rate / 2;
  const timed = await observed(pids, () => openLoop(lanes, { duration: seconds, rate }, verify));
  report(`${options.rate ? 'at a rate' : 'half as many'}, sent at their time`, timed);
  for (const lane of lanes) lane.close();
  console.log(`codes that were not accepted: ${rejected}`);
  if (rejected > 0) process.exitCode = 1;
  console.log(`bare HMACs ${hmacs}/s: ratio ${(most.rate / hmacs).toFixed(4)}`);
  console.log(`bare UPDATE … RETURNING ${Math.round(updates)}/s: ratio ${(most.rate / updates).toFixed(3)}`);
  await stop(child);
  if (options.profile) console.log(topOfProfile(options.profile));
} finally {
  if (child) await stop(child);
  await services?.stop();
  rmSync(folder, { recursive: true, force: true });
}
