// npm run start:distributed [-- --port 8080 --first-port 4001]
// The four services as processes of their own on PostgreSQL, Redis and Kafka, behind one origin: those of DATABASE_URL,
// REDIS_URL and KAFKA_BROKERS, or the ones that `npm run services` would start. A service that dies is started again.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { build } from './build.mjs';
import { startProxy } from './proxy.mjs';

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: process.env.PORT || '8080' },
    'first-port': { type: 'string', default: '4001' },
  },
});
const names = ['enrollment', 'redirect', 'verification', 'analytics'];
const port = Number(options.port);
const upstreams = Object.fromEntries(
  names.map((name, index) => [name, { host: '127.0.0.1', port: Number(options['first-port']) + index }]),
);
const stateFolder = process.env.SIGNET_SERVICES_DIR ?? '.services';
const restartPauseMs = 1000;
const children = new Map();
let ending;
let stores;
let proxy;

/** Writes each whole line of a stream with its owner's name before it. */
function prefix(stream, name, out) {
  let rest = '';
  stream.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) out.write(`${name.padEnd(12)} ${line}\n`);
  });
}

function launch(name, script, environment) {
  // A process group of its own: Ctrl-C reaches this supervisor only, which ends the services in its order.
  // kafkajs 2.2.4 sets timers with negative times, which is harmless and which Node warns of.
  const flags = ['--enable-source-maps', '--disable-warning=TimeoutNegativeWarning'];
  const child = spawn(process.execPath, [...flags, ...script], {
    env: environment,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  prefix(child.stdout, name, process.stdout);
  prefix(child.stderr, name, process.stderr);
  children.set(name, child);
  return child;
}

const exitOf = (child) =>
  new Promise((done) =>
    child.exitCode !== null || child.signalCode !== null
      ? done(child.exitCode ?? child.signalCode)
      : child.once('exit', (code, signal) => done(code ?? signal)),
  );

/** Starts the service and, until the end, starts it again whenever it dies; a wrong configuration (78) is final. */
async function supervise(name, environment) {
  while (!ending) {
    const child = launch(name, [`apps/${name}/dist/main.js`], environment);
    console.log(`${name.padEnd(12)} started, pid ${child.pid}`);
    const how = await exitOf(child);
    if (ending) return;
    if (how === 78) return void end(78);
    console.error(`${name} ended (${how}); starting it again`);
    await sleep(restartPauseMs);
  }
}

async function untilReady(name) {
  const { host, port: servicePort } = upstreams[name];
  while (!ending) {
    const answer = await fetch(`http://${host}:${servicePort}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(100);
  }
}

async function addresses() {
  const { DATABASE_URL, REDIS_URL, KAFKA_BROKERS } = process.env;
  const which = [!DATABASE_URL && 'postgres', !REDIS_URL && 'redis', !KAFKA_BROKERS && 'kafka'].filter(Boolean);
  if (which.length) {
    console.log(`Starting ${which.join(', ')}…`);
    const { startServices } = await import('./services.mjs');
    stores = await startServices({ which });
  }
  return {
    DATABASE_URL: DATABASE_URL ?? stores?.databaseUrl,
    REDIS_URL: REDIS_URL ?? stores?.redisUrl,
    KAFKA_BROKERS: KAFKA_BROKERS ?? stores?.kafkaBrokers,
  };
}

/** Kept between runs, beside the database whose secrets they open. */
function developmentMasterKeys() {
  const file = join(stateFolder, 'master.key');
  mkdirSync(stateFolder, { recursive: true });
  if (!existsSync(file)) writeFileSync(file, `dev:${randomBytes(32).toString('base64')}`, { mode: 0o600 });
  return readFileSync(file, 'utf8');
}

function end(code = 0) {
  ending ??= (async () => {
    proxy?.close();
    proxy?.closeAllConnections();
    for (const child of children.values()) child.kill('SIGTERM');
    await Promise.all([...children.values()].map(exitOf));
    await stores?.stop();
    process.exit(code);
  })();
  return ending;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void end());
try {
  build();
  const origin = process.env.SIGNET_PUBLIC_URL ?? `http://127.0.0.1:${port}`;
  const environment = {
    ...process.env,
    ...(await addresses()),
    // Of enrollment, which takes them, and redirect, which gives them.
    SIGNET_FILES_DIR: process.env.SIGNET_FILES_DIR ?? join(stateFolder, 'files'),
    SIGNET_PUBLIC_URL: origin,
    SIGNET_MIGRATE_ON_START: 'false',
    SIGNET_TRUSTED_PROXIES: process.env.SIGNET_TRUSTED_PROXIES ?? '127.0.0.1',
    // What only some of them take.
    SIGNET_MASTER_KEYS: undefined,
    SIGNET_REDIRECT_WORKERS: undefined,
  };
  const migrated = await exitOf(launch('migrate', ['apps/signet/dist/main.js', 'migrate'], environment));
  if (migrated !== 0) await end(1);
  const masterKeys = process.env.SIGNET_MASTER_KEYS ?? developmentMasterKeys();
  for (const name of names) {
    const own = {
      PORT: String(upstreams[name].port),
      SIGNET_DATA_DIR: join(stateFolder, name),
      SIGNET_INSTANCE: `${name}-1`,
    };
    const { SIGNET_REDIRECT_WORKERS } = process.env;
    const special = name === 'redirect' ? { SIGNET_REDIRECT_WORKERS } : { SIGNET_MASTER_KEYS: masterKeys };
    void supervise(name, { ...environment, ...own, ...special });
  }
  await Promise.all(names.map(untilReady));
  proxy = await startProxy({ port, upstreams });
  console.log(`Signet is ready at ${origin} (API: ${origin}/docs). Ctrl-C stops it.`);
} catch (error) {
  console.error(error.message);
  await end(1);
}
