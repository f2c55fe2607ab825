// npm run bench:stream [-- --subscribers 2000 --rate 1000 --seconds 30 --codes 1000 --whole 4]
// How long a scan takes to reach those who follow the live stream: from its record in Kafka to the frame at the client,
// with thousands of subscribers on one analytics process, which counts the scans meanwhile. Each subscriber follows one
// code; `whole` of them follow the whole workspace. Fails when the p99 is not below 250 ms, or a frame is missing. On
// fewer cores than processes the clients compete with the service: look at its CPU, too.
import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import { cpuSeconds } from './cpu.mjs';
import { percentile, startFleet } from './fleet.mjs';

const { values } = parseArgs({
  options: {
    subscribers: { type: 'string', default: '2000' },
    rate: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '30' },
    codes: { type: 'string', default: '1000' },
    whole: { type: 'string', default: '4' },
  },
});
const [subscribers, rate, seconds, codeCount, whole] = ['subscribers', 'rate', 'seconds', 'codes', 'whole'].map(
  (name) => Number(values[name]),
);
const PROMISED_MS = 250;
const TICK_MS = 20;
const WARM_UP_SECONDS = 5;
const codes = Array.from({ length: codeCount }, () => randomUUID());

const latencies = [];
let frames = 0;
let other = 0;
let isMeasuring = false;

function subscribe(url, key, codeId) {
  const path = `${url}/v1/stream?topics=scans${codeId ? `&codeId=${codeId}` : ''}`;
  return new Promise((resolve, reject) => {
    const asking = request(path, { agent: new Agent(), headers: { authorization: `Bearer ${key}` } }, (answer) => {
      if (answer.statusCode === 503) {
        // The log is not followed yet.
        answer.resume();
        setTimeout(() => subscribe(url, key, codeId).then(resolve, reject), 500);
        return;
      }
      if (answer.statusCode !== 200) {
        reject(new Error(`the stream answers ${answer.statusCode}`));
        return;
      }
      let rest = '';
      answer.setEncoding('utf8').on('data', (chunk) => {
        const arrived = Date.now();
        const blocks = (rest + chunk).split('\n\n');
        rest = blocks.pop();
        for (const block of blocks) {
          if (block.includes('event: hello')) resolve(asking);
          else if (block.includes('event: scan.recorded')) {
            const at = Number(/"browser":"(\d+)"/.exec(block)?.[1]);
            if (!isMeasuring || Number.isNaN(at)) continue;
            frames += 1;
            latencies.push(arrived - at);
          } else if (/^event: (gap|slow|unauthorized|shutdown)$/m.test(block)) other += 1;
        }
      });
      answer.on('error', () => {});
    });
    asking.on('error', reject).end();
  });
}

/** The moment of the record travels in a field that Signet hands on as it is. */
function scan(workspaceId, codeId, isMeasured) {
  const now = Date.now();
  const at = new Date(now).toISOString();
  const data = { workspaceId, codeId, outcome: 'redirected', at, browser: isMeasured ? String(now) : 'Safari' };
  const envelope = {
    specversion: '1.0',
    type: 'scan.recorded',
    datacontenttype: 'application/json',
    dataschema: 'urn:signet:event:scan.recorded:v1',
    id: randomUUID(),
    source: '/signet/redirect/bench',
    subject: codeId,
    time: at,
    sequence: '1',
  };
  return { key: codeId, value: JSON.stringify({ ...envelope, data: { ...data, bot: false, preview: false } }) };
}

const fleet = await startFleet({ which: ['postgres', 'redis', 'kafka'], redirects: 0, analytics: true });
const requests = [];
try {
  const { workspaceId } = await fleet.call('GET', '/v1/whoami');
  const producer = new Kafka({ brokers: [fleet.services.kafkaBrokers], logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  // What Kafka takes by itself, in this process: the same records, read by a bare consumer.
  const kafkaLatencies = [];
  const bare = new Kafka({ brokers: [fleet.services.kafkaBrokers], logLevel: logLevel.NOTHING }).consumer({
    groupId: randomUUID(),
    minBytes: 1,
  });
  await bare.connect();
  await bare.subscribe({ topic: 'signet.scans.v1' });
  await bare.run({
    eachMessage: async ({ message }) => {
      const at = Number(/"browser":"(\d+)"/.exec(message.value.toString())?.[1]);
      if (isMeasuring && !Number.isNaN(at)) kafkaLatencies.push(Date.now() - at);
    },
  });
  const followed = Array.from({ length: subscribers }, (_, n) => (n < whole ? undefined : codes[n % codeCount]));
  for (let from = 0; from < subscribers; from += 50)
    requests.push(
      ...(await Promise.all(
        followed.slice(from, from + 50).map((codeId) => subscribe(fleet.analytics.url, fleet.key, codeId)),
      )),
    );
  const followers = new Map();
  for (const codeId of followed) if (codeId) followers.set(codeId, (followers.get(codeId) ?? 0) + 1);
  let expected = 0;
  let sent = 0;
  const sending = new Set();
  const run = async (duration, isMeasured) => {
    const startedAt = performance.now();
    let due = 0;
    for (let elapsed = 0; elapsed < duration * 1000; elapsed = performance.now() - startedAt) {
      const messages = [];
      for (; due < (elapsed / 1000) * rate; due += 1) {
        const codeId = codes[Math.floor(Math.random() * codeCount)];
        messages.push(scan(workspaceId, codeId, isMeasured));
        if (isMeasured) expected += whole + (followers.get(codeId) ?? 0);
      }
      if (isMeasured) sent += messages.length;
      if (messages.length > 0) {
        const work = producer
          .send({ topic: 'signet.scans.v1', acks: -1, messages })
          .finally(() => sending.delete(work));
        sending.add(work);
      }
      await delay(TICK_MS);
    }
    await Promise.all(sending);
  };
  await run(WARM_UP_SECONDS, false);
  isMeasuring = true;
  const before = cpuSeconds(fleet.analytics.pid);
  const startedAt = performance.now();
  await run(seconds, true);
  const took = (performance.now() - startedAt) / 1000;
  for (let waits = 0; frames < expected && waits < 100; waits += 1) await delay(100);
  const cpu = cpuSeconds(fleet.analytics.pid) - before;
  await Promise.all([producer.disconnect(), bare.disconnect()]);
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => percentile(latencies, share));
  console.log(
    `${subscribers} subscribers, ${Math.round(sent / took)} scans/s, ${Math.round(frames / took)} frames/s: ` +
      `p50 ${p50} ms, p95 ${p95} ms, p99 ${p99} ms; ${expected - frames} of ${expected} frames missing, ${other} gaps and ends`,
  );
  const [kafka50, kafka99] = [0.5, 0.99].map((share) => percentile(kafkaLatencies, share));
  console.log(`a bare consumer of the topic beside it: p50 ${kafka50} ms, p99 ${kafka99} ms`);
  console.log(
    `the service used ${((cpu / took) * 100).toFixed(0)} % of a core: ${((cpu / sent) * 1e6).toFixed(0)} µs a scan`,
  );
  if (!(p99 < PROMISED_MS) || frames !== expected || other > 0) process.exitCode = 1;
} finally {
  for (const open of requests) open.destroy();
  await fleet.stop();
}
