// Subjects with a TOTP factor each, as many as wanted, and right codes for them, each of which is used once.
import { createHmac, randomBytes } from 'node:crypto';
import { KeyRing, newId } from '@signet/platform';

const STEP_SECONDS = 30;
/** A code of the step before is not begun with any more when it might end on its way. */
const LAST_MOMENT_SECONDS = 3;
const BATCH = 10_000;
const TABLES = ['mfa.subjects', 'mfa.factors'];
const secret = randomBytes(20);

/** RFC 6238 with the one secret that all have here. */
export function totp(step) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', secret).update(counter).digest();
  return String((mac.readUInt32BE(mac.at(-1) & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

/** Hands out subjects in the order of a fixed shuffle, so that the pages that are touched lie anywhere. */
export class CodeSource {
  #count;
  #stride;
  #turn = 0;
  #used;
  #codes = new Map();

  constructor(count) {
    this.#count = count;
    this.#used = new Int32Array(count);
    this.#stride = strideFor(count);
  }

  /** @throws when all have used what counts at this moment: then there are too few subjects for the rate */
  next() {
    const place = (this.#turn++ * this.#stride) % this.#count;
    const now = Date.now() / 1000;
    const current = Math.floor(now / STEP_SECONDS);
    const isPreviousSafe = now % STEP_SECONDS < STEP_SECONDS - LAST_MOMENT_SECONDS;
    const step = isPreviousSafe && this.#used[place] < current - 1 ? current - 1 : current;
    if (this.#used[place] >= step) throw new Error('every code has been used: take more --subjects');
    this.#used[place] = step;
    return { subject: `s${place}`, code: this.#codeAt(step) };
  }

  #codeAt(step) {
    if (!this.#codes.has(step)) this.#codes.set(step, totp(step));
    return this.#codes.get(step);
  }
}

/** Near the golden section and without a divisor in common: every place is met once a round. */
function strideFor(count) {
  const divisor = (a, b) => (b === 0 ? a : divisor(b, a % b));
  let stride = Math.max(1, Math.round(count * 0.618));
  while (divisor(stride, count) > 1) stride += 1;
  return stride;
}

/** As an enrollment leaves them: sealed for their own record. */
export async function seedSubjects(pool, { count, workspaceId, masterKeys }) {
  const ring = new KeyRing(masterKeys);
  for (let from = 0; from < count; from += BATCH) {
    const rows = Array.from({ length: Math.min(BATCH, count - from) }, (_, index) => {
      const [id, factorId] = [newId(), newId()];
      const sealed = ring.seal(secret, { workspaceId, recordId: factorId, purpose: 'totp-secret' });
      return { id, factorId, subject: `s${from + index}`, sealed: sealed.toString('hex') };
    });
    const json = JSON.stringify(rows);
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
  await pool.query('VACUUM ANALYZE mfa.subjects');
  await pool.query('VACUUM ANALYZE mfa.factors');
  await pool.query('CHECKPOINT');
}

/** @returns what the tables of subjects and factors take, with their indexes */
export async function readTableSizes(pool) {
  const { rows } = await pool.query(
    `SELECT name, pg_table_size(name::regclass) AS bytes, pg_indexes_size(name::regclass) AS indexes
     FROM unnest($1::text[]) AS t (name)`,
    [TABLES],
  );
  const mb = (bytes) => `${(Number(bytes) / 2 ** 20).toFixed(1)} MB`;
  return rows.map(({ name, bytes, indexes }) => `${name} ${mb(bytes)} and ${mb(indexes)} of indexes`).join(', ');
}
