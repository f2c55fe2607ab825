// npm run bench:ingest [-- --events 300000 --codes 1000 --minutes 10]
// Scans counted a second, from Kafka through the analytics service into PostgreSQL: raw rows, and the rollups by minute,
// hour and day of each code and of the workspace. The events lie in Kafka before the service starts, codes are scanned by
// Zipf's law, and every fiftieth event is in the log twice. Counted by the service itself, from its first event on; in
// the end the sums in PostgreSQL must be exact.
import { createHash, randomUUID } from 'node:crypto';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import pg from 'pg';
import { startServices } from '../tools/services.mjs';
import { freePort } from '../tools/services/process.mjs';
import { cpuSeconds } from './cpu.mjs';

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '300000' },
    codes: { type: 'string', default: '1000' },
    minutes: { type: 'string', default: '10' },
  },
});
const [events, codeCount, minutes] = [Number(values.events), Number(values.codes), Number(values.minutes)];
const TWIN_EVERY = 50;
const TOPIC = 'signet.scans.v1';
const folder = mkdtempSync(join(tmpdir(), 'signet-bench-'));
const workspaceId = randomUUID();
const codes = Array.from({ length: codeCount }, () => randomUUID());
const countries = ['CH', 'DE', 'FR', 'IT', 'AT', 'US', 'GB', 'ES', 'NL', 'PL'];
const devices = [
  ['phone', 'iOS', 'Mobile Safari'],
  ['phone', 'Android', 'Chrome'],
  ['phone', 'Android', 'Samsung Internet'],
  ['desktop', 'Windows', 'Edge'],
];

/** The shares of Zipf's law, added up. */
const shares = codes.map((_, index) => 1 / (index + 1));
const total = shares.reduce((sum, share) => sum + share, 0);
let upTo = 0;
const borders = shares.map((share) => (upTo += share / total));
function pickCode() {
  const at = Math.random();
  let [low, high] = [0, borders.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (borders[middle] < at) low = middle + 1;
    else high = middle;
  }
  return codes[low];
}
const pick = (list) => list[Math.floor(Math.random() ** 2 * list.length)];

function scan(n, startAt) {
  const codeId = pickCode();
  const [deviceType, os, browser] = pick(devices);
  const at = new Date(startAt + (n / events) * minutes * 60_000).toISOString();
  const data = {
    workspaceId,
    codeId,
    slug: 'abcdefgh',
    codeVersion: 1,
    outcome: 'redirected',
    at,
    visitor: createHash('sha256')
      .update(`v${Math.floor((Math.random() * events) / 2)}`)
      .digest('hex')
      .slice(0, 16),
    ip: '203.0.113.0',
    country: pick(countries),
    deviceType,
    os,
    browser,
    language: pick(['de', 'fr', 'en', 'it']),
    bot: n % 40 === 0,
    preview: false,
  };
  const envelope = {
    specversion: '1.0',
    type: 'scan.recorded',
    datacontenttype: 'application/json',
    dataschema: 'urn:signet:event:scan.recorded:v1',
    id: randomUUID(),
    source: '/signet/redirect/bench',
    subject: codeId,
    time: at,
    sequence: String(n + 1),
  };
  return { key: codeId, value: JSON.stringify({ ...envelope, data }) };
}

async function publish(brokers) {
  const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic: TOPIC, numPartitions: 6 }] });
  await admin.disconnect();
  const producer = kafka.producer();
  await producer.connect();
  const startAt = Date.now() - minutes * 60_000;
  for (let sent = 0; sent < events; sent += 1000) {
    const messages = Array.from({ length: Math.min(1000, events - sent) }, (_, n) => scan(sent + n, startAt));
    const twins = messages.filter((_, n) => n % TWIN_EVERY === 0);
    await producer.send({ topic: TOPIC, acks: -1, messages: [...messages, ...twins] });
  }
  await producer.disconnect();
}

const metric = (text, name) => Number(new RegExp(`^${name}(?:\\{.*\\})? (.+)$`, 'm').exec(text)?.[1] ?? 0);

let services;
let child;
try {
  services = await startServices({ directory: join(folder, 'services') });
  const environment = {
    ...process.env,
    DATABASE_URL: services.databaseUrl,
    REDIS_URL: services.redisUrl,
    KAFKA_BROKERS: services.kafkaBrokers,
    SIGNET_MASTER_KEYS: `bench:${Buffer.alloc(32, 1).toString('base64')}`,
    SIGNET_PUBLIC_URL: 'http://127.0.0.1:8080',
    SIGNET_LOG_LEVEL: 'warn',
    SIGNET_DATA_DIR: join(folder, 'data'),
    PORT: String(await freePort()),
  };
  const options = { env: environment, stdio: ['ignore', 'ignore', 'inherit'] };
  spawnSync(process.execPath, ['apps/signet/dist/main.js', 'migrate'], options);
  await publish(services.kafkaBrokers);
  child = spawn(process.execPath, ['apps/analytics/dist/main.js'], options);
  const read = async () => {
    const answer = await fetch(`http://127.0.0.1:${environment.PORT}/metrics`).catch(() => undefined);
    return answer?.ok ? await answer.text() : '';
  };
  const measure = (counted) => ({
    counted,
    at: performance.now(),
    cpu: [child, services.postgres, services.kafka].map(({ pid }) => cpuSeconds(pid)),
  });
  let first;
  let last;
  for (;;) {
    const counted = metric(await read(), 'signet_rollup_events_total');
    if (counted > 0) {
      last = measure(counted);
      first ??= last;
    }
    if (counted >= events) break;
    if (child.exitCode !== null) throw new Error('the analytics service has ended');
    await delay(200);
  }
  const counted = last.counted - first.counted;
  const rate = counted / ((last.at - first.at) / 1000);
  const [node, postgres, kafka] = last.cpu.map((seconds, n) => ((seconds - first.cpu[n]) / counted) * 1e6);
  const rss = metric(await read(), 'process_resident_memory_bytes') / 2 ** 20;
  const client = new pg.Client({ connectionString: services.databaseUrl });
  await client.connect();
  const { rows } = await client.query(
    `SELECT (SELECT count(*) FROM analytics.scans) AS raw,
       (SELECT sum(scans + bots) FROM analytics.rollups_minute WHERE scope_id <> workspace_id) AS minutes,
       (SELECT sum(scans + bots) FROM analytics.rollups_hour WHERE scope_id <> workspace_id) AS hours,
       (SELECT sum(scans + bots) FROM analytics.rollups_day WHERE scope_id <> workspace_id) AS days,
       (SELECT sum(scans + bots) FROM analytics.rollups_day WHERE scope_id = workspace_id) AS workspace`,
  );
  await client.end();
  const sums = Object.entries(rows[0]).map(([name, sum]) => `${name} ${sum}`);
  const exact = Object.values(rows[0]).every((sum) => Number(sum) === events);
  console.log(
    `${events} scans of ${codeCount} codes in ${minutes} minutes: ${Math.round(rate)} events/s, RSS ${Math.round(rss)} MB`,
  );
  console.log(
    `CPU µs an event: the service ${node.toFixed(0)}, PostgreSQL ${postgres.toFixed(0)}, Kafka ${kafka.toFixed(0)}`,
  );
  console.log(`${exact ? 'exact' : 'NOT EXACT'}: ${sums.join(', ')}; ${events / TWIN_EVERY} twins dropped`);
  if (!exact) process.exitCode = 1;
} finally {
  child?.kill('SIGTERM');
  if (child?.exitCode === null) await once(child, 'exit');
  await services?.stop();
  rmSync(folder, { recursive: true, force: true });
}
