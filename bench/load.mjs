// One round of load on one server: wrk where it is installed (it costs the machine least), else autocannon.
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const hasWrk = spawnSync('wrk', ['--version']).error === undefined;
export const loadGenerator = hasWrk ? 'wrk' : 'autocannon';

/** What a phone sends whose camera found a link. */
const headers = {
  'User-Agent':
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
  Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'Accept-Language': 'de-CH,de;q=0.9,en;q=0.8',
  'Accept-Encoding': 'gzip, deflate, br',
};

// wrk's own sums: answers by status would cost it a callback an answer, so errors are what is not 2xx or 3xx.
const script = (slugs) => `
local slugs = {${slugs.map((slug) => `"${slug}"`).join(',')}}
local headers = {${Object.entries(headers)
  .map(([name, value]) => `["${name}"]="${value}"`)
  .join(',')}}
math.randomseed(os.time())
request = function() return wrk.format("GET", "/" .. slugs[math.random(#slugs)], headers) end
done = function(summary, latency)
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end`;

/** @returns {Promise<{answers: number, perSecond: number, p50Ms: number, p99Ms: number, errors: number}>} */
export async function load({ url, slugs, connections, seconds, folder }) {
  return hasWrk
    ? withWrk({ url, slugs, connections, seconds, folder })
    : withAutocannon({ url, slugs, connections, seconds });
}

function withWrk({ url, slugs, connections, seconds, folder }) {
  const file = join(folder, 'wrk.lua');
  writeFileSync(file, script(slugs));
  const output = execFileSync('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', file, url], {
    encoding: 'utf8',
  });
  const [answers, micros, p50, p99, errors] = /RESULT (.*)/.exec(output)[1].split(' ').map(Number);
  return { answers, perSecond: answers / (micros / 1e6), p50Ms: p50 / 1000, p99Ms: p99 / 1000, errors };
}

async function withAutocannon({ url, slugs, connections, seconds }) {
  const { default: autocannon } = await import('autocannon');
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    requests: slugs.map((slug) => ({ path: `/${slug}`, headers })),
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
