// npm run bench:verify [-- --subjects 20000 --seconds 8 --connections 64]
// POST /v1/verifications with right codes (audit entry, one-use and event included) against two bare things: the HMACs of
// a verification in a loop, and `UPDATE … RETURNING` of one row over ten connections of the same database. Each right code
// works once: a subject has two in 30 s, so take subjects ≥ rate × seconds / 2.
import { spawn } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { KeyRing, newId } from '@signet/platform';
import { startServices } from '../tools/services.mjs';
import { freePort } from '../tools/services/process.mjs';

const { values: options } = parseArgs({
  options: {
    subjects: { type: 'string', default: '20000' },
    seconds: { type: 'string', default: '8' },
    connections: { type: 'string', default: '64' },
  },
});
const [subjects, seconds, connections] = ['subjects', 'seconds', 'connections'].map((name) => Number(options[name]));
const STEP_SECONDS = 30;
const folder = mkdtempSync(join(tmpdir(), 'signet-bench-verify-'));
const key = 'sgk_bench_0123456789abcdefghijklmnop';
const masterKeys = KeyRing.generate();
const secret = randomBytes(20);

function codeAt(step) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', secret).update(counter).digest();
  return String((mac.readUInt32BE(mac.at(-1) & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

const agent = new Agent({ keepAlive: true, maxSockets: connections });
function call(port, method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) };
    const outgoing = request({ agent, port, method, path, headers }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => (text += chunk));
      answer.on('end', () => resolve({ status: answer.statusCode, text }));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

async function untilReady(port) {
  for (let tries = 0; tries < 300; tries += 1) {
    // The first key exists a moment after the service is ready.
    const { status } = await call(port, 'GET', '/v1/whoami').catch(() => ({}));
    if (status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the service does not get ready');
}

/** Subjects with a factor each, as an enrollment leaves them: sealed for their own record. */
async function seed(pool, workspaceId) {
  const ring = new KeyRing(masterKeys);
  const rows = Array.from({ length: subjects }, (_, index) => {
    const [id, factorId] = [newId(), newId()];
    const sealed = ring.seal(secret, { workspaceId, recordId: factorId, purpose: 'totp-secret' });
    return { id, factorId, subject: `s${index}`, sealed: sealed.toString('hex') };
  });
  for (let from = 0; from < rows.length; from += 5000) {
    const json = JSON.stringify(rows.slice(from, from + 5000));
    await pool.query(
      `INSERT INTO mfa.subjects (id, workspace_id, subject, groups, roles, status, created_at, updated_at)
       SELECT r.id, $1, r.subject, '{}', '{}', 'active', now(), now()
       FROM jsonb_to_recordset($2::jsonb) AS r (id uuid, subject text)`,
      [workspaceId, json],
    );
    await pool.query(
      `INSERT INTO mfa.factors
         (id, workspace_id, subject_id, type, status, secret, parameters, last_step, created_at, confirmed_at)
       SELECT r."factorId", $1, r.id, 'totp', 'active', decode(r.sealed, 'hex'), '{}', -1, now(), now()
       FROM jsonb_to_recordset($2::jsonb) AS r (id uuid, "factorId" uuid, sealed text)`,
      [workspaceId, json],
    );
  }
  await pool.query('ANALYZE mfa.subjects; ANALYZE mfa.factors');
}

/** Runs `work` in `width` lanes for a while. @returns rate and the sorted durations in ms */
async function measure(width, work) {
  const durations = [];
  const begun = performance.now();
  const end = begun + seconds * 1000;
  const lane = async () => {
    while (performance.now() < end) {
      const at = performance.now();
      if ((await work()) === false) return;
      durations.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  const rate = durations.length / ((performance.now() - begun) / 1000);
  return { rate, durations: durations.toSorted((a, b) => a - b) };
}

function bareHmacs() {
  const end = performance.now() + 1000;
  let count = 0;
  for (; performance.now() < end; count += 1) for (const step of [count, count + 1]) codeAt(step);
  return count;
}

async function bareUpdates(pool) {
  await pool.query('CREATE TABLE public.bench (id int PRIMARY KEY, step bigint NOT NULL) WITH (fillfactor = 85)');
  await pool.query('INSERT INTO public.bench SELECT n, 0 FROM generate_series(1, $1::int) n', [subjects]);
  let next = 0;
  return measure(10, () =>
    pool.query('UPDATE public.bench SET step = step + 1 WHERE id = $1 AND step < $2 RETURNING id', [
      (next++ % subjects) + 1,
      1e9,
    ]),
  );
}

let stopServices = async () => {};
let child;
try {
  const services = await startServices({ which: ['postgres'], directory: join(folder, 'services') });
  stopServices = () => services.stop();
  const port = await freePort();
  child = spawn(process.execPath, ['apps/signet/dist/main.js', 'start'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      PORT: String(port),
      DATABASE_URL: services.databaseUrl,
      SIGNET_DATA_DIR: join(folder, 'data'),
      SIGNET_BOOTSTRAP_KEY: key,
      SIGNET_MASTER_KEYS: masterKeys,
      SIGNET_LOG_LEVEL: 'error',
      SIGNET_KEY_REQUESTS_PER_SECOND: '0',
    },
  });
  await untilReady(port);
  const pool = new pg.Pool({ connectionString: services.databaseUrl, max: 10 });
  await seed(pool, JSON.parse((await call(port, 'GET', '/v1/whoami')).text).workspaceId);

  const hmacs = bareHmacs();
  const updates = await bareUpdates(pool);
  // Whole periods ahead of us, so that no step ends while its codes are on their way.
  const intoStep = (Date.now() / 1000) % STEP_SECONDS;
  await new Promise((resolve) => setTimeout(resolve, (STEP_SECONDS - intoStep) * 1000 + 200));
  const step = Math.floor(Date.now() / 1000 / STEP_SECONDS);
  const codes = [codeAt(step - 1), codeAt(step)];
  let next = 0;
  let rejected = 0;
  const verifications = await measure(connections, async () => {
    const turn = next++;
    if (turn >= 2 * subjects) return false;
    const code = codes[turn < subjects ? 0 : 1];
    const body = JSON.stringify({ subject: `s${turn % subjects}`, factor: 'totp', code });
    const { text } = await call(port, 'POST', '/v1/verifications', body);
    if (!text.includes('"accepted"')) rejected += 1;
  });
  const [{ entries }] = (
    await pool.query(
      `SELECT count(*)::int AS entries FROM audit.entries WHERE record->>'action' = 'verification.attempt'`,
    )
  ).rows;
  await pool.end();
  const at = (share) => verifications.durations[Math.floor(verifications.durations.length * share)].toFixed(1);
  console.log(`${Math.round(verifications.rate)} verifications/s, ${connections} connections, ${subjects} subjects`);
  console.log(`p50 ${at(0.5)} ms, p99 ${at(0.99)} ms; rejected ${rejected}; audit entries ${entries}`);
  console.log(`bare HMACs ${hmacs}/s: ratio ${(verifications.rate / hmacs).toFixed(4)}`);
  console.log(
    `bare UPDATE … RETURNING ${Math.round(updates.rate)}/s: ratio ${(verifications.rate / updates.rate).toFixed(3)}`,
  );
} finally {
  child?.kill('SIGTERM');
  if (child) await once(child, 'exit');
  agent.destroy();
  await stopServices();
  rmSync(folder, { recursive: true, force: true });
}
