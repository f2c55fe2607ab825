// What the promises cost by themselves: node:http with a map that appends an event of each scan to a file, on the disk
// before the answer, and sends it to Kafka by kafkajs as it comes; no leases, no visitors, no limits, no restarts.
// PORT, PREFIX and COUNT of the slugs, KAFKA_BROKERS, FILE.
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer } from 'node:http';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import kafkajs from 'kafkajs';

const { PORT, PREFIX, COUNT, KAFKA_BROKERS, FILE } = process.env;
const TOPIC = 'bench.scans';
const { CompressionCodecs, CompressionTypes, Kafka, Partitioners } = kafkajs;
CompressionCodecs[CompressionTypes.GZIP] = () => ({ compress: async ({ buffer }) => gzipSync(buffer, { level: 1 }) });

const codes = new Map(
  Array.from({ length: Number(COUNT) }, (_, index) => [
    `/${PREFIX}${index}`,
    { id: randomUUID(), location: `https://example.com/${PREFIX}${index}` },
  ]),
);
const file = await open(FILE, constants.O_CREAT | constants.O_APPEND | constants.O_WRONLY | constants.O_DSYNC);
const kafka = new Kafka({ brokers: KAFKA_BROKERS.split(','), logLevel: kafkajs.logLevel.NOTHING });
const admin = kafka.admin();
await admin.connect();
await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 6 }] });
await admin.disconnect();
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
await producer.connect();

/** Of the size of `scan.recorded`. */
const eventOf = (code) =>
  JSON.stringify({
    specversion: '1.0',
    type: 'scan.recorded',
    datacontenttype: 'application/json',
    dataschema: 'urn:signet:event:scan.recorded:v1',
    id: randomUUID(),
    source: '/signet/redirect/00000000-0000-0000-0000-000000000000',
    subject: code.id,
    time: new Date().toISOString(),
    sequence: '1234567',
    data: {
      workspaceId: '00000000-0000-0000-0000-000000000000',
      codeId: code.id,
      slug: 'c1234',
      codeVersion: 1,
      outcome: 'redirected',
      at: new Date().toISOString(),
      visitor: '0123456789abcdef',
      ip: '127.0.0.0',
      deviceType: 'other',
      bot: false,
      preview: false,
    },
  });

let waiting = [];
let kept = [];
let isWriting = false;
async function write() {
  isWriting = true;
  await nextTurn();
  while (waiting.length > 0) {
    const some = waiting;
    waiting = [];
    await file.write(some.map(({ value }) => value).join('\n'));
    for (const { response, code, value } of some) {
      response.writeHead(302, { location: code.location }).end();
      kept.push({ key: code.id, value });
    }
  }
  isWriting = false;
}

async function pump() {
  for (;;) {
    const messages = kept.splice(0, 500);
    if (messages.length > 0)
      await producer.send({ topic: TOPIC, acks: -1, compression: CompressionTypes.GZIP, messages });
    if (kept.length < 500) await sleep(20);
  }
}

createServer((request, response) => {
  const code = codes.get(request.url);
  if (!code) return response.writeHead(404).end();
  waiting.push({ response, code, value: eventOf(code) });
  if (!isWriting) void write();
}).listen(Number(PORT), '127.0.0.1');
await pump();
