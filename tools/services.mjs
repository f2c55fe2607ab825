// PostgreSQL, Redis and Kafka from local binaries, for the distributed run and the tests on a machine without Docker.
//   npm run services                         starts all three, prints their addresses, stops them on Ctrl-C
//   npm run services -- postgres redis       only these
//   npm run services -- --background         leaves them running; npm run services -- --stop ends them
// Folder: SIGNET_SERVICES_DIR (./.services). Ports: SIGNET_SERVICES_{POSTGRES,REDIS,KAFKA}_PORT, else free ones, kept.
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findKafka, prepareKafka } from './services/kafka.mjs';
import { findPostgres, preparePostgres } from './services/postgres.mjs';
import { freePort, isFree, Service } from './services/process.mjs';
import { findRedis, prepareRedis } from './services/redis.mjs';

const NAMES = /** @type {const} */ (['postgres', 'redis', 'kafka']);
const prepare = { postgres: preparePostgres, redis: prepareRedis, kafka: prepareKafka };
const defaultDirectory = () => process.env.SIGNET_SERVICES_DIR ?? '.services';

/**
 * Which of the three can run on this machine.
 * @returns {Record<'postgres' | 'redis' | 'kafka', {available: true} | {available: false, reason: string}>}
 */
export function findServices(directory = defaultDirectory()) {
  return { postgres: findPostgres(), redis: findRedis(), kafka: findKafka(resolve(directory)) };
}

/**
 * Starts the services, or takes over those that run in the folder; resolves when each of them answers.
 * Each has `{pid, start(), stop(signal?)}`, so that a test can end one and start it again on the same port and data.
 * They end with this process at the latest, unless `background`.
 * @param {{directory?: string, ports?: {postgres?: number, redis?: number, kafka?: number}, which?: string[],
 *   background?: boolean}} [options]
 * @returns {Promise<{databaseUrl?: string, redisUrl?: string, kafkaBrokers?: string, stop: () => Promise<void>,
 *   postgres?: Service, redis?: Service, kafka?: Service}>}
 * @throws when one of `which` cannot run here or does not come up; those already started are stopped again
 */
export async function startServices({
  directory = defaultDirectory(),
  ports = portsFromEnvironment(),
  which = NAMES,
  background = false,
} = {}) {
  const root = resolve(directory);
  const found = findServices(root);
  const missing = which.filter((name) => !found[name].available).map((name) => `${name}: ${found[name].reason}`);
  if (missing.length) throw new Error(`These services cannot run here:\n${missing.join('\n')}`);

  mkdirSync(root, { recursive: true });
  const state = readState(root);
  const prepared = {};
  for (const name of which) {
    const [port, controllerPort] = await choosePorts({ name, root, state, wanted: ports[name] });
    prepared[name] = await prepare[name]({ directory: root, port, controllerPort, state, found: found[name] });
    writeState(root, state);
  }
  const services = Object.values(prepared).map(({ service }) => service);
  const stop = async () => void (await Promise.all(services.map((service) => service.stop())));
  if (!background) process.once('exit', () => services.forEach((service) => service.signal()));
  const outcomes = await Promise.allSettled(services.map((service) => service.start()));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed) {
    await stop();
    throw failed.reason;
  }
  return {
    databaseUrl: prepared.postgres?.url,
    redisUrl: prepared.redis?.url,
    kafkaBrokers: prepared.kafka?.url,
    postgres: prepared.postgres?.service,
    redis: prepared.redis?.service,
    kafka: prepared.kafka?.service,
    stop,
  };
}

/** Stops whatever still runs in the folder, by the pids that were noted there. */
export async function stopServices(directory = defaultDirectory()) {
  await Promise.all(NAMES.map((name) => Service.running(resolve(directory), name)?.stop()));
}

async function choosePorts({ name, root, state, wanted }) {
  state.ports ??= {};
  const kept = state.ports[name] ?? [];
  if (kept.length && Service.running(root, name)) return kept;
  const controller = name === 'kafka' ? 1 : 0;
  const chosen = [];
  for (let index = 0; index <= controller; index++) {
    const known = index === 0 ? (wanted ?? kept[0]) : kept[index];
    const usable = known !== undefined && ((index === 0 && wanted !== undefined) || (await isFree(known)));
    chosen.push(usable ? known : await freePort());
  }
  state.ports[name] = chosen;
  return chosen;
}

function portsFromEnvironment() {
  const named = NAMES.map((name) => [name, process.env[`SIGNET_SERVICES_${name.toUpperCase()}_PORT`]]);
  return Object.fromEntries(named.filter(([, port]) => port).map(([name, port]) => [name, Number(port)]));
}

function readState(root) {
  const file = join(root, 'services.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
}

function writeState(root, state) {
  writeFileSync(join(root, 'services.json'), JSON.stringify(state, null, 2), { mode: 0o600 });
}

async function main(words) {
  const directory = defaultDirectory();
  if (words.includes('--stop')) return stopServices(directory);
  const background = words.includes('--background');
  const names = words.filter((word) => NAMES.includes(word));
  const unknown = words.filter((word) => word !== '--background' && !NAMES.includes(word));
  if (unknown.length) throw new Error(`Unknown: ${unknown.join(' ')}. Known: ${NAMES.join(' ')} --background --stop`);

  const services = await startServices({ directory, which: names.length ? names : NAMES, background });
  const { databaseUrl, redisUrl, kafkaBrokers } = services;
  const addresses = { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, KAFKA_BROKERS: kafkaBrokers };
  for (const [name, value] of Object.entries(addresses)) if (value) console.log(`${name}=${value}`);
  if (background) return;
  const signal = await new Promise((resolveSignal) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(name, resolveSignal);
    // The servers are not this process's children as far as its event loop knows.
    setInterval(() => {}, 2 ** 30);
  });
  console.error(`${signal}: stopping`);
  await services.stop();
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    await main(process.argv.slice(2));
    process.exit(0);
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
