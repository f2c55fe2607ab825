import { randomBytes, randomUUID } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { topics } from '@signet/contracts';
import { freePort, RealStores, ServiceProcess } from '@signet/testing';
import { Kafka, logLevel, type Producer } from 'kafkajs';
import { Client } from 'pg';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const MINUTES_MS = 60_000;
const CODES = 40;
const { SIGNET_TEST_DATABASE_URL, SIGNET_TEST_KAFKA_BROKERS } = process.env;
const describeHere = SIGNET_TEST_DATABASE_URL && SIGNET_TEST_KAFKA_BROKERS ? describe : describe.skip;

interface Sums {
  [scopeAndWindow: string]: number;
}

describeHere('the counting of scans, on real Kafka and PostgreSQL', () => {
  const stores = new RealStores();
  const services: ServiceProcess[] = [];
  const workspaceId = randomUUID();
  const codes = Array.from({ length: CODES }, () => randomUUID());
  /** Some time ago, and yet of one day of UTC or two: late events have windows of their own. */
  const startedAt = Date.now() - 90 * MINUTES_MS;
  /** What was published, each event once. */
  const model: { codeId: string; at: number }[] = [];
  let producer: Producer;
  let watcher: Client;
  let environment: Record<string, string> = {};

  const connect = async (): Promise<Client> => {
    const client = new Client({ connectionString: environment['DATABASE_URL'] });
    client.on('error', () => {});
    await client.connect();
    return client;
  };

  beforeAll(async () => {
    environment = {
      ...(await stores.start('postgres', 'redis', 'kafka')),
      SIGNET_MASTER_KEYS: `test:${randomBytes(32).toString('base64')}`,
      SIGNET_PUBLIC_URL: 'http://127.0.0.1:8080',
      SIGNET_LOG_LEVEL: 'warn',
    };
    const env = { PATH: process.env['PATH'] ?? '', ...environment };
    const { status, stderr } = spawnSync(process.execPath, ['apps/signet/dist/main.js', 'migrate'], { cwd: root, env });
    if (status !== 0) throw new Error(String(stderr));
    for (let n = 0; n < 3; n += 1) {
      const own = { ...environment, SIGNET_DATA_DIR: join(stores.directory, `analytics-${n}`) };
      services.push(new ServiceProcess('apps/analytics/dist/main.js', [], await freePort(), own));
    }
    await service(0).start();
    await connectProducer();
    watcher = await connect();
  });
  afterAll(async () => {
    await Promise.all(services.map((each) => each.end('SIGKILL')));
    await producer?.disconnect().catch(() => {});
    await watcher?.end().catch(() => {});
    await stores.end();
  });

  function service(n: number): ServiceProcess {
    const found = services[n];
    if (!found) throw new Error(`there is no service ${n}`);
    return found;
  }

  async function connectProducer(): Promise<void> {
    const brokers = (environment['KAFKA_BROKERS'] ?? '').split(',');
    producer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).producer();
    await producer.connect();
  }

  /** Publishes scans in a random order, a third of them twice, and notes them in the model. */
  async function publish(count: number): Promise<void> {
    const events = Array.from({ length: count }, () => {
      const codeId = codes[Math.floor(Math.random() ** 2 * CODES)] ?? '';
      const at = startedAt + Math.floor(Math.random() * 80 * MINUTES_MS);
      model.push({ codeId, at });
      return { key: codeId, value: JSON.stringify(scan(codeId, new Date(at).toISOString())) };
    });
    const twins = events.filter((_, index) => index % 3 === 0);
    for (const messages of [events, twins.toReversed()])
      await producer.send({ topic: topics.scans.name, acks: -1, messages });
  }

  function scan(codeId: string, at: string): object {
    return {
      specversion: '1.0',
      id: randomUUID(),
      source: '/signet/redirect/test',
      type: 'scan.recorded',
      subject: codeId,
      time: at,
      datacontenttype: 'application/json',
      dataschema: 'urn:signet:event:scan.recorded:v1',
      sequence: '1',
      data: { workspaceId, codeId, outcome: 'redirected', at, bot: false, preview: false },
    };
  }

  const grains = { minute: MINUTES_MS, hour: 60 * MINUTES_MS, day: 1440 * MINUTES_MS };

  /** All windows of codes and of the workspace, and the raw rows. */
  async function counted(): Promise<Sums> {
    const { rows } = await watcher.query<{ name: string; n: number }>(
      `SELECT 'raw' AS name, count(*)::int AS n FROM analytics.scans
       ${Object.keys(grains)
         .map(
           (
             grain,
           ) => `UNION ALL SELECT concat_ws(' ', '${grain}', scope_id, extract(epoch FROM bucket)::int), scans::int
             FROM analytics.rollups_${grain}`,
         )
         .join(' ')}`,
    );
    return Object.fromEntries(rows.map(({ name, n }) => [name, n]));
  }

  function expected(): Sums {
    const sums: Sums = { raw: model.length };
    for (const { codeId, at } of model) {
      for (const [grain, length] of Object.entries(grains)) {
        for (const scope of [codeId, workspaceId]) {
          const name = `${grain} ${scope} ${(Math.floor(at / length) * length) / 1000}`;
          sums[name] = (sums[name] ?? 0) + 1;
        }
      }
    }
    return sums;
  }

  const rawCount = async (): Promise<number> => {
    const { rows } = await watcher.query<{ n: number }>('SELECT count(*)::int AS n FROM analytics.scans');
    return rows[0]?.n ?? 0;
  };

  /** Waits until as many are counted as were published, and looks at each sum. */
  async function expectExactSums(): Promise<void> {
    while ((await rawCount()) < model.length) await pause(50);
    // Twins that come behind change nothing: the groups have read them, too.
    const admin = new Kafka({
      brokers: (environment['KAFKA_BROKERS'] ?? '').split(','),
      logLevel: logLevel.NOTHING,
    }).admin();
    await admin.connect();
    for (;;) {
      const ends = await admin.fetchTopicOffsets(topics.scans.name);
      const [group] = await admin.fetchOffsets({ groupId: 'signet-analytics', topics: [topics.scans.name] });
      const isRead = ends.every(({ partition, high }) => {
        const offset = group?.partitions.find((entry) => entry.partition === partition)?.offset ?? '-1';
        return high === '0' || Number(offset) >= Number(high);
      });
      if (isRead) break;
      await pause(100);
    }
    await admin.disconnect();
    expect(await counted()).toEqual(expected());
  }

  it('is exact while members join, leave and die during the load', async () => {
    const loading = new AbortController();
    const load = (async () => {
      while (!loading.signal.aborted) {
        await publish(300);
        await pause(50);
      }
    })();
    await service(1).start();
    await service(2).start();
    await service(0).end('SIGTERM');
    await service(1).end('SIGKILL');
    await service(0).start();
    loading.abort();
    await load;
    await expectExactSums();
    await service(2).end('SIGTERM');
  });

  it('is exact when the broker is killed under it', async () => {
    await publish(2000);
    await stores.kill('kafka');
    await producer.disconnect().catch(() => {});
    await stores.start('kafka');
    await connectProducer();
    await publish(500);
    await expectExactSums();
  });

  it('is exact when PostgreSQL is killed under it', async () => {
    await publish(2000);
    await stores.kill('postgres');
    await watcher.end().catch(() => {});
    await stores.start('postgres');
    watcher = await connect();
    await expectExactSums();
  });

  const steps: [name: string, hold: string, waitsIn: string][] = [
    ['it begins', 'SELECT pg_advisory_xact_lock(5169503)', 'pg_advisory_xact_lock_shared'],
    ['it takes its position', 'LOCK analytics.consumer_offsets', 'INSERT INTO analytics.consumer_offsets'],
    ['it names the sources', 'LOCK analytics.sources', 'analytics.sources'],
    ['it keeps the raw scans', 'LOCK analytics.scans', 'INSERT INTO analytics.scans'],
    ['it counts minutes', 'LOCK analytics.rollups_minute', 'analytics.rollups_minute'],
    ['it counts days', 'LOCK analytics.rollups_day', 'analytics.rollups_day'],
    ['it notes what changed', 'LOCK analytics.rollup_changes', 'INSERT INTO analytics.rollup_changes'],
    ['it moves its position on', 'SELECT pg_advisory_xact_lock(77)', 'UPDATE analytics.consumer_offsets'],
  ];

  it.each(steps)('is exact when its process is killed just when %s', async (_name, hold, waitsIn) => {
    // Holds the last step without one of the others that touch this table.
    await watcher.query(`
      CREATE OR REPLACE FUNCTION analytics.hold() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_advisory_xact_lock_shared(77); RETURN NEW; END $$;
      CREATE OR REPLACE TRIGGER hold BEFORE UPDATE ON analytics.consumer_offsets FOR EACH ROW
        WHEN (OLD.next_offset <> NEW.next_offset) EXECUTE FUNCTION analytics.hold();
      GRANT EXECUTE ON FUNCTION analytics.hold TO PUBLIC`);
    const holder = await connect();
    await holder.query('BEGIN');
    await holder.query(hold);
    await publish(200);
    const isHeld = async (): Promise<boolean> => {
      const { rows } = await watcher.query(
        `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND position($1 IN query) > 0`,
        [waitsIn],
      );
      return rows.length > 0;
    };
    while (!(await isHeld())) await pause(20);
    await service(0).end('SIGKILL');
    await holder.query('ROLLBACK');
    await holder.end();
    await service(0).start();
    await expectExactSums();
  });

  it('is exact when its process is killed after PostgreSQL has committed and before Kafka has', async () => {
    const holder = await connect();
    await holder.query('BEGIN; LOCK analytics.rollups_day');
    await publish(200);
    const waiting = async (): Promise<boolean> => {
      const { rows } = await watcher.query(
        `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%analytics.rollups_day%'`,
      );
      return rows.length > 0;
    };
    while (!(await waiting())) await pause(20);
    const before = await rawCount();
    const goOn = stores.freeze('kafka');
    await holder.query('ROLLBACK');
    await holder.end();
    while ((await rawCount()) === before) await pause(20);
    await service(0).end('SIGKILL');
    goOn();
    await service(0).start();
    await expectExactSums();
  });
});
