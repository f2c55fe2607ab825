// One round of load on one server: wrk where it is installed (it costs the machine least), else autocannon.
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const hasWrk = spawnSync('wrk', ['--version']).error === undefined;
export const loadGenerator = hasWrk ? 'wrk' : 'autocannon';

/** Requests that autocannon has at hand. */
const LISTED = 10_000;

/** What a phone sends whose camera found a link. */
const headers = {
  'User-Agent':
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
  Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'Accept-Language': 'de-CH,de;q=0.9,en;q=0.8',
  'Accept-Encoding': 'gzip, deflate, br',
};

// wrk's own sums: answers by status would cost it a callback an answer, so errors are what is not 2xx or 3xx.
// Zipf's law with exponent 1: the code of rank k is asked for as often as 1/k says, which is uniform in the logarithm.
const script = ({ slugs, distribution }) => `
local count = ${slugs.count}
local headers = {${Object.entries(headers)
  .map(([name, value]) => `["${name}"]="${value}"`)
  .join(',')}}
local pick = { uniform = function() return math.random(count) - 1 end,
  zipf = function() return math.min(count, math.floor(math.exp(math.random() * math.log(count + 1)))) - 1 end }
local next = pick["${distribution}"]
math.randomseed(os.time())
request = function() return wrk.format("GET", "/${slugs.prefix}" .. string.format("%d", next()), headers) end
done = function(summary, latency)
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end`;

/**
 * @param {{url: string, slugs: {prefix: string, count: number}, distribution?: 'uniform' | 'zipf', connections: number,
 *   seconds: number, folder: string}} options the slugs are the prefix with the numbers from 0 on
 * @returns {Promise<{answers: number, perSecond: number, p50Ms: number, p99Ms: number, errors: number}>}
 */
export async function load(options) {
  return hasWrk ? withWrk(options) : withAutocannon(options);
}

function withWrk({ url, slugs, distribution = 'uniform', connections, seconds, folder }) {
  const file = join(folder, 'wrk.lua');
  writeFileSync(file, script({ slugs, distribution }));
  const output = execFileSync('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', file, url], {
    encoding: 'utf8',
  });
  const [answers, micros, p50, p99, errors] = /RESULT (.*)/.exec(output)[1].split(' ').map(Number);
  return { answers, perSecond: answers / (micros / 1e6), p50Ms: p50 / 1000, p99Ms: p99 / 1000, errors };
}

/** It has no distribution but a fixed list, of which each connection takes one after the other. */
async function withAutocannon({ url, slugs, distribution = 'uniform', connections, seconds }) {
  const pick = {
    uniform: () => Math.floor(Math.random() * slugs.count),
    zipf: () => Math.min(slugs.count, Math.floor(Math.exp(Math.random() * Math.log(slugs.count + 1)))) - 1,
  }[distribution];
  const { default: autocannon } = await import('autocannon');
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    requests: Array.from({ length: LISTED }, () => ({ path: `/${slugs.prefix}${pick()}`, headers })),
  });
  const answers = result['3xx'];
  const errors = result.errors + result.timeouts + result['4xx'] + result['5xx'];
  return {
    answers,
    perSecond: answers / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    errors,
  };
}
