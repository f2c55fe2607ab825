// npm run bench:claims [-- --claims 10000 --codes 2000 --connections 200 --redirects 1 --profile FILE]
// Claims a second over HTTP on real PostgreSQL and Redis, each with its own nonce, in two ways: all of one code that may
// be used `--claims` times (a ticket that everybody wants), and of `--codes` single-use codes, each wanted by two.
// Afterwards PostgreSQL is asked how many uses it counts, which must be those that were granted, and no more than may be.
// CPU a claim is that of the redirects, of PostgreSQL, of Redis and of this process: on two cores they share.
// `--profile FILE` writes a CPU profile of the first redirect (for Chrome's or VS Code's viewer) and lists its top.
import { randomBytes } from 'node:crypto';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { Connection } from './connection.mjs';
import { cpuSeconds } from './cpu.mjs';
import { createCodes, percentile, startFleet } from './fleet.mjs';
import { topOfProfile } from './profile.mjs';

const { values: options } = parseArgs({
  options: {
    claims: { type: 'string', default: '10000' },
    codes: { type: 'string', default: '2000' },
    connections: { type: 'string', default: '200' },
    redirects: { type: 'string', default: '1' },
    profile: { type: 'string' },
  },
});
const [claims, singles, connections, redirects] = ['claims', 'codes', 'connections', 'redirects'].map((name) =>
  Number(options[name]),
);

const headers = { 'content-type': 'application/json' };
const newBody = () => `{"nonce":"${randomBytes(16).toString('base64url')}"}`;

/** The CPU seconds of all that take part, by name. */
function cpuNow({ redirects: fleet, services }) {
  const { user, system } = process.cpuUsage();
  return {
    redirect: fleet.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0),
    postgres: cpuSeconds(services.postgres.pid),
    redis: cpuSeconds(services.redis.pid),
    load: (user + system) / 1e6,
  };
}

/** Claims the slugs in their order, as many at a time as there are connections. */
async function measure(fleet, slugs) {
  const [latencies, statuses] = [[], new Map()];
  let next = 0;
  const work = async (_none, lane) => {
    const connection = new Connection(fleet.redirects[lane % redirects].url);
    while (next < slugs.length) {
      const path = `/${slugs[next++]}/claim`;
      const beganAt = performance.now();
      const { status } = await connection.send({ method: 'POST', path, headers, body: newBody() });
      latencies.push(performance.now() - beganAt);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    connection.close();
  };
  const [beganAt, before] = [performance.now(), cpuNow(fleet)];
  await Promise.all(Array.from({ length: connections }, work));
  const [seconds, after] = [(performance.now() - beganAt) / 1000, cpuNow(fleet)];
  const cpu = Object.keys(after).map(
    (name) => `${name} ${(((after[name] - before[name]) / slugs.length) * 1e6).toFixed(0)}`,
  );
  return { perSecond: slugs.length / seconds, latencies, statuses, cpu };
}

function report(name, { perSecond, latencies, statuses, cpu }) {
  const told = [...statuses].toSorted(([one], [other]) => one - other).map(([status, count]) => `${count} × ${status}`);
  const times = [0.5, 0.99].map((share) => `p${share * 100} ${percentile(latencies, share).toFixed(1)} ms`);
  const rate = `${Math.round(perSecond)} claims/s`.padStart(14);
  console.log([name.padEnd(20), rate, ...times, `CPU µs: ${cpu.join(', ')}`, ...told].join('  '));
}

const fleet = await startFleet({ redirects, profile: options.profile });
try {
  console.log(
    `${connections} connections, ${redirects} redirect process(es), one load generator on the same cores, load average ${loadavg()[0].toFixed(1)}`,
  );
  const database = new pg.Client({ connectionString: fleet.services.databaseUrl });
  await database.connect();
  const granted = { expected: 0, told: 0 };
  const contest = async (name, slugs, expected) => {
    const result = await measure(fleet, slugs);
    report(name, result);
    granted.expected += expected;
    granted.told += result.statuses.get(303) ?? 0;
  };
  const [warm] = await createCodes(fleet, 1, { maxScans: 2000 });
  await contest('warm-up', Array(2000).fill(warm.slug), 2000);
  const [hot] = await createCodes(fleet, 1, { maxScans: claims });
  await contest('one code', Array(claims).fill(hot.slug), claims);
  const codes = await createCodes(fleet, singles, { maxScans: 1 });
  const wanted = codes.flatMap(({ slug }) => [slug, slug]);
  await contest('single-use codes', wanted, singles);
  const { rows } = await database.query('SELECT count(*)::int AS uses FROM codes.uses');
  await database.end();
  const exact = granted.told === granted.expected && rows[0].uses === granted.expected;
  console.log(
    `granted ${granted.told}, counted ${rows[0].uses}, allowed ${granted.expected}: ${exact ? 'exact' : 'WRONG'}`,
  );
  if (!exact) process.exitCode = 1;
} finally {
  await fleet.stop();
}
if (options.profile) console.log(topOfProfile(options.profile));
