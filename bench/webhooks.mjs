// npm run bench:webhooks [-- --events 2000 --endpoints 5]
// Deliveries of webhooks a second: from events in Kafka, through the queue in PostgreSQL, to a receiver that answers at
// once; with the CPU time that a delivery takes of the service and of PostgreSQL, which says on a busy machine, too, what
// there is to have (Linux only). Beside it, in the same run, signed POSTs to that receiver without a queue, a log or a record, 50 at a time.
import { createHmac, randomUUID } from 'node:crypto';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import { startServices } from '../tools/services.mjs';

const { values } = parseArgs({
  options: { events: { type: 'string', default: '2000' }, endpoints: { type: 'string', default: '5' } },
});
const [events, endpoints] = [Number(values.events), Number(values.endpoints)];
const folder = mkdtempSync(join(tmpdir(), 'signet-bench-'));
const key = 'sgk_bench_key_of_nobody';
const children = [];

async function listen(server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}

async function startApp(name, environment) {
  const probe = createServer();
  const port = await listen(probe);
  probe.close();
  const env = { ...process.env, ...environment, PORT: String(port), SIGNET_DATA_DIR: join(folder, name) };
  children.push(
    spawn(process.execPath, [`apps/${name}/dist/main.js`], { env, stdio: ['ignore', 'ignore', 'inherit'] }),
  );
  const url = `http://127.0.0.1:${port}`;
  while (
    !(await fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    ))
  )
    await new Promise((resolve) => setTimeout(resolve, 100));
  return url;
}

/** CPU seconds of a process and, where it is asked for, of its children. `undefined` where there is no /proc. */
function cpuSeconds(pid, { children: withChildren = false } = {}) {
  const stat = (id) => {
    try {
      const fields = readFileSync(`/proc/${id}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      return { parent: Number(fields[1]), seconds: (Number(fields[11]) + Number(fields[12])) / 100 };
    } catch {
      return undefined;
    }
  };
  const own = stat(pid);
  if (!own || !withChildren) return own?.seconds;
  const others = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const childrens = others.map(stat).filter((found) => found?.parent === pid);
  return childrens.reduce((sum, { seconds }) => sum + seconds, own.seconds);
}

function pidOfPostgres(port) {
  const isServer = (id) => {
    try {
      const command = readFileSync(`/proc/${id}/cmdline`, 'utf8');
      return command.includes(`port=${port}`) && /postgres\0/.test(command);
    } catch {
      return false;
    }
  };
  const found =
    process.platform === 'linux'
      ? readdirSync('/proc')
          .filter((id) => /^\d+$/.test(id))
          .find(isServer)
      : '0';
  return Number(found ?? 0);
}

const seen = new Set();
let received = 0;
const receiver = createServer((incoming, response) => {
  seen.add(`${incoming.url} ${incoming.headers['webhook-id']}`);
  received += 1;
  incoming.resume().on('end', () => response.writeHead(204).end());
});

function post(port, body) {
  const id = randomUUID();
  const signature = createHmac('sha256', 'secret').update(`${id}.1.${body}`).digest('base64');
  return new Promise((resolve, reject) => {
    const headers = { 'content-length': body.length, 'webhook-id': id, 'webhook-signature': `v1,${signature}` };
    const outgoing = request({ port, host: '127.0.0.1', method: 'POST', path: '/bare', agent: false, headers });
    outgoing.on('response', (response) => response.resume().on('end', resolve)).on('error', reject);
    outgoing.end(body);
  });
}

async function bareRate(port, body, count) {
  const startedAt = performance.now();
  let left = count;
  const work = async () => {
    while ((left -= 1) >= 0) await post(port, body);
  };
  await Promise.all(Array.from({ length: 50 }, work));
  return count / ((performance.now() - startedAt) / 1000);
}

const scanOf = (workspaceId) => {
  const [id, at] = [randomUUID(), new Date().toISOString()];
  const data = { workspaceId, outcome: 'redirected', at, os: 'iOS', browser: 'Safari', bot: false, preview: false };
  const envelope = {
    specversion: '1.0',
    id,
    type: 'scan.recorded',
    source: '/signet/bench/1',
    subject: 'unknown',
    time: at,
  };
  const schema = {
    datacontenttype: 'application/json',
    dataschema: 'urn:signet:event:scan.recorded:v1',
    sequence: '1',
  };
  return { key: id, value: JSON.stringify({ ...envelope, ...schema, data }) };
};

let services;
try {
  services = await startServices({ directory: join(folder, 'services') });
  const port = await listen(receiver);
  const environment = {
    DATABASE_URL: services.databaseUrl,
    REDIS_URL: services.redisUrl,
    KAFKA_BROKERS: services.kafkaBrokers,
    SIGNET_MASTER_KEYS: `bench:${Buffer.alloc(32, 1).toString('base64')}`,
    SIGNET_PUBLIC_URL: 'http://127.0.0.1:8080',
    SIGNET_BOOTSTRAP_KEY: key,
    SIGNET_LOG_LEVEL: 'warn',
    SIGNET_WEBHOOK_ALLOW_PRIVATE: 'true',
  };
  const env = { ...process.env, ...environment };
  spawnSync(process.execPath, ['apps/signet/dist/main.js', 'migrate'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const control = await startApp('enrollment', environment);
  const api = await startApp('analytics', environment);
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const { workspaceId } = await (await fetch(`${control}/v1/whoami`, { headers })).json();
  if (!workspaceId) throw new Error('nobody says whose workspace it is');
  for (let n = 0; n < endpoints; n += 1) {
    const body = JSON.stringify({ url: `http://127.0.0.1:${port}/${n}`, events: ['scan.*'] });
    const answer = await fetch(`${api}/v1/webhooks`, { method: 'POST', headers, body });
    if (answer.status !== 201) throw new Error(await answer.text());
  }
  const producer = new Kafka({ brokers: [services.kafkaBrokers], logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  const publish = async (count) => {
    const messages = Array.from({ length: count }, () => scanOf(workspaceId));
    await producer.send({ topic: 'signet.scans.v1', acks: -1, messages });
  };
  const untilReceived = async (count) => {
    while (seen.size < count) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  await publish(20);
  await untilReceived(20 * endpoints);
  seen.clear();
  received = 0;
  const [service, postgres] = [children.at(-1).pid, pidOfPostgres(new URL(services.databaseUrl).port)];
  const cpu = () => [cpuSeconds(service), cpuSeconds(postgres, { children: true })];
  const before = cpu();
  const startedAt = performance.now();
  await publish(events);
  await untilReceived(events * endpoints);
  const rate = (events * endpoints) / ((performance.now() - startedAt) / 1000);
  const spent = cpu().map((seconds, index) => ((seconds - before[index]) * 1000) / (events * endpoints));
  const twins = received - events * endpoints;
  await producer.disconnect();
  const bare = await bareRate(port, scanOf(workspaceId).value, 5000);
  console.log(`${events} events for ${endpoints} endpoints: ${Math.round(rate)} deliveries/s, ${twins} twins`);
  if (spent.every((milliseconds) => milliseconds >= 0))
    console.log(
      `CPU of a delivery: ${spent[0].toFixed(2)} ms in the service, ${spent[1].toFixed(2)} ms in PostgreSQL; with a core each, ` +
        `${Math.round(1000 / Math.max(...spent))} deliveries/s`,
    );
  console.log(
    `signed POSTs without queue and record: ${Math.round(bare)}/s; deliveries are ${(rate / bare).toFixed(2)} × that`,
  );
} finally {
  children.forEach((child) => child.kill('SIGTERM'));
  await Promise.all(children.map((child) => (child.exitCode === null ? once(child, 'exit') : undefined)));
  await services?.stop();
  receiver.close();
  receiver.closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
}
