// npm run bench:coherence [-- --revokes 300 --redirects 4 --load 16]
// How long a revoked code is still served after the call that revoked it has returned, with several redirect processes
// under load: each code is asked for in every process, without a pause, until each says that it is gone. In turn while
// all is well, with every message of Redis' pub/sub dropped, and while Redis is away and started again. Kafka is away all
// the time: revoking does not need it. Single-use codes, which must not be served once, are claimed in the same way.
// At last codes are revoked while Redis is away (the call says `pending`), and it comes back with what it had: how long
// they are served from then on, until the repair has written them.
// Exits with 1 when a protected code was served after its revoke, a plain one for longer than a second (99 % of those that
// were `effective`: 250 ms), or one of the last for longer than the repair takes to come by.
import { Agent } from 'node:http';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { createCodes, percentile, send, startFleet } from './fleet.mjs';

const { values: options } = parseArgs({
  options: {
    revokes: { type: 'string', default: '300' },
    redirects: { type: 'string', default: '4' },
    load: { type: 'string', default: '16' },
  },
});
const [revokes, redirects, load] = ['revokes', 'redirects', 'load'].map((name) => Number(options[name]));
const LONGEST_MS = 1000;
const USUALLY_MS = 250;
/** The repair comes by every 5 s. */
const REPAIRED_MS = 6500;
const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** @returns the status, with the moment at which it was asked for */
async function ask(url, method = 'GET') {
  const askedAt = performance.now();
  const { statusCode } = await send(url, { method, agent });
  return { askedAt, status: statusCode };
}

/** @returns ms from the return of the revoke to the last request that was still answered with the target; 0 for none */
async function servedFor(url, revokedAt, method) {
  let last = 0;
  for (;;) {
    const { askedAt, status } = await ask(url, method);
    if (status === 410) return last;
    // What nobody can decide at this moment is not served either.
    if (status === 302 || status === 303) last = Math.max(last, askedAt - revokedAt);
  }
}

async function revokeEach(fleet, codes, protectedCodes) {
  const times = { plain: [], protected: [], pending: 0 };
  for (const [index, { id, slug }] of codes.entries()) {
    const limited = protectedCodes[index];
    const plainUrls = fleet.redirects.map(({ url }) => `${url}/${slug}`);
    await Promise.all(plainUrls.map((url) => ask(url)));
    const revoke = async (code, urls, method) => {
      const { propagation } = await fleet.call('POST', `/v1/codes/${code.id}/revoke`, { reason: 'bench' });
      const revokedAt = performance.now();
      if (propagation === 'pending') times.pending += 1;
      return Math.max(...(await Promise.all(urls.map((url) => servedFor(url, revokedAt, method)))));
    };
    times.plain.push(await revoke({ id }, plainUrls, 'GET'));
    const claimUrls = fleet.redirects.map(({ url }) => `${url}/${limited.slug}/claim`);
    times.protected.push(await revoke(limited, claimUrls, 'POST'));
  }
  return times;
}

/** Revokes while Redis is away, which then comes back with its old data. @returns ms served from then on */
async function healTimes(fleet, count) {
  const { redis } = fleet.services;
  const plain = await createCodes(fleet, count);
  const limited = await createCodes(fleet, count, { maxScans: 1_000_000 });
  await redis.stop('SIGKILL');
  for (const { id } of [...plain, ...limited]) await fleet.call('POST', `/v1/codes/${id}/revoke`, { reason: 'bench' });
  await redis.start();
  const backAt = performance.now();
  const timesOf = (codes, path, method) =>
    Promise.all(
      codes.map(async ({ slug }, turn) =>
        servedFor(`${fleet.redirects[turn % redirects].url}/${slug}${path}`, backAt, method),
      ),
    );
  const [plainTimes, protectedTimes] = await Promise.all([
    timesOf(plain, '', 'GET'),
    timesOf(limited, '/claim', 'POST'),
  ]);
  return { plain: plainTimes, protected: protectedTimes };
}

/** Scans of other codes, on every process, until it is told to end. */
function startLoad(fleet, codes) {
  const ending = new AbortController();
  let scans = 0;
  const work = async (turn) => {
    while (!ending.signal.aborted) {
      turn += 1;
      const { slug } = codes[turn % codes.length];
      await ask(`${fleet.redirects[turn % redirects].url}/${slug}`);
      scans += 1;
    }
  };
  const working = Promise.all(Array.from({ length: load }, (_, turn) => work(turn)));
  return async () => {
    ending.abort();
    await working;
    return scans;
  };
}

const fleet = await startFleet({ redirects, canDropMessages: true });
let failed = false;
try {
  const { redis } = fleet.services;
  const others = await createCodes(fleet, 100);
  const stopLoad = startLoad(fleet, others);
  const run = async (name, count, { hearsChanges = false } = {}) => {
    const plain = await createCodes(fleet, count);
    const limited = await createCodes(fleet, count, { maxScans: 1_000_000 });
    const times = await revokeEach(fleet, plain, limited);
    const figures = [0.5, 0.99, 1].map(
      (share) => `${share === 1 ? 'max' : `p${share * 100}`} ${percentile(times.plain, share).toFixed(0)} ms`,
    );
    const late = times.protected.filter((ms) => ms > 0).length;
    failed ||= late > 0 || percentile(times.plain, 1) > LONGEST_MS;
    failed ||= hearsChanges && percentile(times.plain, 0.99) > USUALLY_MS;
    console.log(
      [
        name.padEnd(24),
        'plain served for',
        ...figures,
        `protected: ${late} of ${count} served after`,
        `${times.pending} pending`,
      ].join('  '),
    );
  };
  await run('all is well', revokes, { hearsChanges: true });
  fleet.dropMessages(true);
  await run('pub/sub dropped', Math.ceil(revokes / 10));
  fleet.dropMessages(false);
  await redis.stop('SIGKILL');
  await run('Redis away', Math.ceil(revokes / 10));
  await redis.start();
  await run('Redis back', Math.ceil(revokes / 10));
  const healed = await healTimes(fleet, Math.ceil(revokes / 10));
  failed ||= percentile(healed.plain, 1) > REPAIRED_MS || healed.protected.some((ms) => ms > 0);
  console.log(
    `${'revoked while away'.padEnd(24)}  plain served after its return for  max ${percentile(healed.plain, 1).toFixed(0)} ms  ` +
      `protected: ${healed.protected.filter((ms) => ms > 0).length} of ${healed.protected.length} served`,
  );
  console.log(
    `${await stopLoad()} scans of other codes meanwhile, on ${redirects} processes; load average ${loadavg()[0].toFixed(1)}`,
  );
  if (failed) process.exitCode = 1;
} finally {
  agent.destroy();
  await fleet.stop();
}
