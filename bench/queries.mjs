// npm run bench:queries [-- --scans 1000000 --codes 100000 --days 30 --rounds 10]
// Every shape of the questions to analytics, over generated scans in real PostgreSQL: raw rows by day, and the rollups
// that ingest would have made of them, filled in by SQL in a hundredth of the time. Codes are scanned by a power law.
// Prints p50, p95, the worst and the CPU time (service and PostgreSQL) of each shape, and how large the tables are; fails when a p95 is not below 100 ms.
// Minutes are filled in for the last two days. DATABASE_URL takes a PostgreSQL that runs, on this machine, and keeps what
// was filled in.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { startServices } from '../tools/services.mjs';
import { freePort } from '../tools/services/process.mjs';
import { cpuSeconds } from './cpu.mjs';
import { percentile } from './fleet.mjs';

const { values } = parseArgs({
  options: {
    scans: { type: 'string', default: '1000000' },
    codes: { type: 'string', default: '100000' },
    days: { type: 'string', default: '30' },
    rounds: { type: 'string', default: '10' },
  },
});
const [scans, codeCount, days, rounds] = ['scans', 'codes', 'days', 'rounds'].map((name) => Number(values[name]));
const PROMISED_MS = 100;
const DAY_MS = 86_400_000;
const DAYS_OF_MINUTES = 2;
const folder = mkdtempSync(join(tmpdir(), 'signet-bench-queries-'));
const key = 'sgk_bench_0123456789abcdefghijklmnop';
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

function get(port, path) {
  return new Promise((resolve, reject) => {
    const outgoing = request({ agent, port, path, headers: { authorization: `Bearer ${key}` } }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => (text += chunk));
      answer.on('end', () => resolve({ status: answer.statusCode, text }));
    });
    outgoing.on('error', reject).end();
  });
}

const step = (what) => process.stderr.write(`\r\u001b[K${what}`);

async function seedCodes(pool, workspaceId) {
  await pool.query(
    `INSERT INTO codes.codes (id, workspace_id, slug, slug_key, kind, state, version, target, tags, folder, campaign, domain,
       created_at, updated_at, created_by)
     SELECT ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, $1::uuid, 'b' || n,
       CASE WHEN n % 20 = 0 THEN $1 || '/' ELSE '' END || 'b' || n, 'link', 'active', 1,
       jsonb_build_object('url', 'https://example.org/' || n),
       ARRAY['all of a tenth ' || n % 10, 'tag ' || n % 500], 'Region ' || n % 20 || '/Branch ' || n % 1000,
       'campaign ' || n % 200, CASE WHEN n % 20 = 0 THEN 'go.example' END, now() - interval '90 days', now(), 'system'
     FROM generate_series(1, $2::int) AS n`,
    [workspaceId, codeCount],
  );
  await pool.query('VACUUM ANALYZE codes.codes');
}

/** The UTC days of the range, the first and the last one cut by it. */
function daysOfRange() {
  const [start, end] = [Date.now() - days * DAY_MS, Date.now()];
  const first = Math.floor(start / DAY_MS) * DAY_MS;
  return Array.from({ length: Math.ceil((end - first) / DAY_MS) }, (_, index) => {
    const from = Math.max(start, first + index * DAY_MS);
    const to = Math.min(end, first + (index + 1) * DAY_MS);
    return { from: new Date(from), to: new Date(to), count: Math.round((scans * (to - from)) / (end - start)) };
  });
}

/** In the order of their times, as they come. */
async function seedScans(pool, workspaceId, { from, to, count }) {
  await pool.query('SELECT analytics.open_day($1::date)', [from.toISOString().slice(0, 10)]);
  await pool.query(
    `INSERT INTO analytics.scans (id, workspace_id, code_id, at, counted_as, outcome, bot, preview, code_version, visitor,
       ip, country, city, device_type, os, browser, language)
     SELECT gen_random_uuid(), $1, ('00000000-0000-4000-8000-' || lpad(to_hex(1 + floor($2 * power(a, 3))::int), 12, '0'))::uuid,
       $3::timestamptz + b * ($4::timestamptz - $3::timestamptz), 'scan', 'redirected', false, false, 1,
       substr(md5(floor(c * 1000000)::text), 1, 16), '203.0.113.0',
       (ARRAY['CH','DE','FR','IT','AT','US','GB','ES','NL','PL'])[1 + floor(10 * d * d)],
       'City ' || floor(300 * d * d), (ARRAY['phone','tablet','desktop'])[1 + floor(3 * e * e)],
       (ARRAY['iOS','Android','Windows'])[1 + floor(3 * e)], (ARRAY['Safari','Chrome','Edge'])[1 + floor(3 * e)],
       (ARRAY['de','fr','en','it'])[1 + floor(4 * d)]
     FROM (SELECT random() AS a, (n - 1)::float8 / $5 AS b, random() AS c, random() AS d, random() AS e
           FROM generate_series(1, $5::int) AS n) AS drawn`,
    [workspaceId, codeCount, from, to, count],
  );
}

/**
 * Windows of a grain. Up to 128 visitors are kept as they are (visitor-sketch.ts); of more, registers are drawn by the
 * law by which they would be filled: what a query reads and adds up is of the same size and kind.
 */
async function seedRollups(pool, { from, to }, grain, scope) {
  await pool.query(
    `INSERT INTO analytics.rollups_${grain} (scope_id, bucket, workspace_id, scans, bots, refused, opened, counts, visitors)
     WITH chosen AS MATERIALIZED (
       SELECT ${scope} AS scope_id, date_trunc('${grain}', at, 'UTC') AS bucket, workspace_id, visitor, outcome, country, city,
         device_type, os, browser, language
       FROM analytics.scans WHERE at >= $1 AND at < $2
     ), facts AS (
       SELECT scope_id, bucket, dimension, value, count(*) AS n FROM chosen, LATERAL (VALUES ('outcome', outcome),
         ('country', country), ('city', city), ('device', device_type), ('os', os), ('browser', browser),
         ('language', language)) AS fact (dimension, value)
       GROUP BY 1, 2, 3, 4
     ), dimensions AS (
       SELECT scope_id, bucket, dimension, jsonb_object_agg(value, n) AS counts FROM facts GROUP BY 1, 2, 3
     ), counted AS (
       SELECT scope_id, bucket, jsonb_object_agg(dimension, counts) AS counts FROM dimensions GROUP BY 1, 2
     ), totals AS (
       SELECT scope_id, bucket, workspace_id, count(*) AS scans, count(DISTINCT visitor) AS visitors,
         string_agg(DISTINCT decode(visitor, 'hex'), '') AS exact
       FROM chosen GROUP BY 1, 2, 3
     )
     SELECT scope_id, bucket, workspace_id, scans, 0, 0, 0, counts,
       CASE WHEN visitors <= 128 THEN '\\x01'::bytea || exact ELSE '\\x02'::bytea || decode((
         SELECT string_agg(lpad(to_hex(least(20, floor((ln(1 + visitors::float8 / 4096) - ln(random() + 1e-9)) / ln(2::float8) + 0 * register)::int)), 2, '0'), '')
         FROM generate_series(1, 4096) AS register), 'hex') END
     FROM totals JOIN counted USING (scope_id, bucket) ORDER BY bucket`,
    [from, to],
  );
}

async function seed(pool, workspaceId) {
  await seedCodes(pool, workspaceId);
  await pool.query(`SET work_mem = '256MB'; SET synchronous_commit = off`);
  for (const day of daysOfRange()) {
    step(`scans of ${day.from.toISOString().slice(0, 10)}`);
    await seedScans(pool, workspaceId, day);
    const grains = day.to < Date.now() - DAYS_OF_MINUTES * DAY_MS ? ['hour', 'day'] : ['minute', 'hour', 'day'];
    for (const grain of grains)
      for (const scope of ['code_id', 'workspace_id']) await seedRollups(pool, day, grain, scope);
  }
  await pool.query(
    `INSERT INTO analytics.code_days (workspace_id, day, code_id, scans)
     SELECT workspace_id, bucket, scope_id, scans FROM analytics.rollups_day WHERE scope_id <> workspace_id`,
  );
  step('verifications');
  await pool.query(
    `INSERT INTO analytics.verifications (id, workspace_id, at, subject, result, reason, factor_type, country, device_type, data)
     SELECT gen_random_uuid(), $1, now() - random() * make_interval(days => $2), 'user' || floor(random() * 5000),
       CASE WHEN random() < 0.9 THEN 'accepted' ELSE 'rejected' END, NULL, 'totp', 'CH', 'phone', '{}'
     FROM generate_series(1, $3::int)`,
    [workspaceId, days, Math.min(100_000, scans / 10)],
  );
  for (const table of ['scans', 'rollups_minute', 'rollups_hour', 'rollups_day', 'code_days', 'verifications'])
    await pool.query(`VACUUM ANALYZE analytics.${table}`);
  step('');
}

/** Until the service has added up what it was given. @returns the CPU seconds of both */
async function settle(pool, workspaceId, cpuOfBoth) {
  const before = cpuOfBoth();
  for (;;) {
    const { rows } = await pool.query(
      ['hour', 'day']
        .map(
          (grain) => `SELECT '${grain}' AS grain, count(*)::int AS n FROM analytics.rollups_${grain} r
            LEFT JOIN analytics.settled_windows s ON s.workspace_id = r.scope_id AND s.interval = '${grain}' AND s.bucket = r.bucket
            WHERE r.scope_id = $1 AND r.bucket < now() - interval '1 ${grain} 5 minutes' AND s.bucket IS NULL`,
        )
        .join(' UNION ALL '),
      [workspaceId],
    );
    step(rows.map(({ grain, n }) => `${n} ${grain}s`).join(' and ') + ' to add up by label');
    if (rows.every(({ n }) => n === 0)) return cpuOfBoth() - before;
    await delay(500);
  }
}

/** The parent of the server's process for this session, when it is on this machine. */
async function findPostmaster(pool) {
  const { rows } = await pool.query('SELECT pg_backend_pid() AS pid');
  const stat = readFileSync(`/proc/${rows[0].pid}/stat`, 'latin1');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

const shapes = () => {
  const code = (n) => `/v1/analytics/codes/00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;
  const back = (count) => new Date(Date.now() - count * 86_400_000).toISOString();
  const ofTime = {
    'days, 30': `interval=day&from=${back(30)}`,
    'hours, 48': 'interval=hour',
    'minutes, 2 h': 'interval=minute',
  };
  const all = {};
  for (const [time, query] of Object.entries(ofTime)) {
    all[`code, ${time}`] = [1, 2, 50, 5000, codeCount - 1].map((n) => `${code(n)}?${query}`);
    all[`workspace, ${time}`] = [`/v1/analytics/overview?${query}`];
    for (const [name, filters] of Object.entries({
      'tag of 200 codes': ['tag=tag+7', 'tag=tag+400'],
      'tag of 10,000 codes': ['tag=all+of+a+tenth+3'],
      folder: ['folder=Region+3/Branch+43', 'folder=Region+7'],
      campaign: ['campaign=campaign+9', 'campaign=campaign+150'],
      domain: ['domain=go.example'],
    }))
      all[`${name}, ${time}`] = filters.map((filter) => `/v1/analytics/overview?${query}&${filter}`);
  }
  all['code, days in Zurich, compared'] = [1, 50].map(
    (n) => `${code(n)}?interval=day&timeZone=Europe/Zurich&compare=previous`,
  );
  all['code, days in Kolkata'] = [1, 50].map((n) => `${code(n)}?interval=day&timeZone=Asia/Kolkata`);
  all['workspace, days in Zurich, compared'] = [
    '/v1/analytics/overview?interval=day&timeZone=Europe/Zurich&compare=previous',
  ];
  all['workspace, top 100'] = [`/v1/analytics/overview?interval=day&from=${back(30)}&top=100`];
  all['verifications and funnel, days'] = [`/v1/analytics/verifications?interval=day&from=${back(30)}`];
  all['verifications and funnel, hours'] = ['/v1/analytics/verifications?interval=hour'];
  return all;
};

let services;
let child;
try {
  if (!process.env.DATABASE_URL)
    services = await startServices({ directory: join(folder, 'services'), which: ['postgres'] });
  const databaseUrl = process.env.DATABASE_URL ?? services.databaseUrl;
  const port = await freePort();
  child = spawn(process.execPath, ['apps/signet/dist/main.js', 'start'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      PORT: String(port),
      DATABASE_URL: databaseUrl,
      SIGNET_DATA_DIR: join(folder, 'data'),
      SIGNET_BOOTSTRAP_KEY: key,
      SIGNET_MASTER_KEYS: `bench:${Buffer.alloc(32, 1).toString('base64')}`,
      SIGNET_LOG_LEVEL: 'error',
      SIGNET_KEY_REQUESTS_PER_SECOND: '0',
      SIGNET_TARGET_CHECK_INTERVAL_HOURS: '0',
    },
  });
  while ((await get(port, '/v1/whoami').catch(() => ({}))).status !== 200) {
    if (child.exitCode !== null) throw new Error('the service has ended');
    await delay(100);
  }
  const { workspaceId } = JSON.parse((await get(port, '/v1/whoami')).text);
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 });
  const postmaster = services?.postgres.pid ?? (await findPostmaster(pool));
  const cpuOfBoth = () => cpuSeconds(child.pid) + cpuSeconds(postmaster);
  const { rows } = await pool.query('SELECT count(*)::int AS n FROM analytics.scans');
  if (rows[0].n === 0) await seed(pool, workspaceId);
  const cpuOfLabels = await settle(pool, workspaceId, cpuOfBoth);
  await pool.query('VACUUM ANALYZE analytics.label_windows, analytics.settled_windows, analytics.code_labels');
  step('');
  const { rows: sizes } = await pool.query(
    `SELECT name, pg_size_pretty(COALESCE((SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('analytics.' || name)),
         pg_total_relation_size(('analytics.' || name)::regclass))) AS size
     FROM unnest(ARRAY['scans', 'rollups_minute', 'rollups_hour', 'rollups_day', 'code_days', 'label_windows']) AS name`,
  );
  await pool.end();
  console.log(
    `${scans} scans of ${codeCount} codes in ${days} days: ${sizes.map(({ name, size }) => `${name} ${size}`).join(', ')}; ${cpuOfLabels.toFixed(0)} s of CPU to add up by label`,
  );
  for (const [name, paths] of Object.entries(shapes())) {
    const times = [];
    let cpu = 0;
    for (let round = 0; round <= rounds; round += 1) {
      if (round === 1) cpu -= cpuOfBoth();
      for (const path of paths) {
        const startedAt = performance.now();
        const { status, text } = await get(port, path);
        // The first round reads what the others find in memory.
        if (round > 0) times.push(performance.now() - startedAt);
        if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
      }
    }
    cpu += cpuOfBoth();
    const [p50, p95, worst] = [0.5, 0.95, 1].map((share) => percentile(times, share).toFixed(0).padStart(6));
    const isKept = percentile(times, 0.95) < PROMISED_MS;
    console.log(
      `${name.padEnd(40)} p50 ${p50} ms  p95 ${p95} ms  worst ${worst} ms  CPU ${((cpu / times.length) * 1000).toFixed(0).padStart(4)} ms${isKept ? '' : '  TOO SLOW'}`,
    );
    if (!isKept) process.exitCode = 1;
  }
} finally {
  child?.kill('SIGTERM');
  if (child?.exitCode === null) await once(child, 'exit');
  await services?.stop();
  rmSync(folder, { recursive: true, force: true });
}
