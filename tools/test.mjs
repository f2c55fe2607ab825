// npm test                   format, import rules, types, lint, then every test, on the stores that this machine has
// npm test -- codes          only the test files whose path matches, after the build alone
// npm test -- --embedded     without PostgreSQL, Redis and Kafka
// SIGNET_TEST_SERVICES=required makes a missing one of the three, or a missing Chromium, a failure.
// Stores that SIGNET_TEST_DATABASE_URL, SIGNET_TEST_REDIS_URL or SIGNET_TEST_KAFKA_BROKERS name are used as they are.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { findServices, startServices } from './services.mjs';

const stores = {
  postgres: { variable: 'SIGNET_TEST_DATABASE_URL', address: ({ databaseUrl }) => databaseUrl },
  redis: { variable: 'SIGNET_TEST_REDIS_URL', address: ({ redisUrl }) => redisUrl },
  kafka: { variable: 'SIGNET_TEST_KAFKA_BROKERS', address: ({ kafkaBrokers }) => kafkaBrokers },
};
const checks = {
  format: ['oxfmt', '--check', '.'],
  'import rules': ['node', 'tools/check-boundaries.mjs'],
  types: ['tsc', '-b'],
  lint: ['nx', 'run-many', '-t', 'lint', '--outputStyle=static'],
};
const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];

const words = process.argv.slice(2);
const embedded = words.includes('--embedded');
const filter = words.filter((word) => word !== '--embedded');
const required = process.env.SIGNET_TEST_SERVICES === 'required';
const directory = mkdtempSync(join(tmpdir(), 'signet-npm-test-'));
const starting = [];
let current;
let ending;

/** Runs a program of this workspace to its end. @returns {Promise<boolean>} whether it succeeded */
function run([command, ...args], environment = {}) {
  return new Promise((done) => {
    const PATH = `${resolve('node_modules/.bin')}${delimiter}${process.env.PATH}`;
    current = spawn(command, args, { stdio: 'inherit', env: { ...process.env, PATH, ...environment } });
    current.on('error', () => done(false));
    current.on('exit', (code) => done(code === 0));
  });
}

async function runChecks() {
  let failed = 0;
  // The end-to-end tests run what was built, so types come first of all, also for a few files.
  const wanted = filter.length ? { types: checks.types } : checks;
  for (const [name, command] of Object.entries(wanted)) {
    const begun = performance.now();
    const passed = await run(command);
    if (!passed) failed++;
    console.log(`${passed ? '✓' : '✗'} ${name} (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
  }
  return failed;
}

/** Starts what this machine has; each in its own folder, so that one that fails takes no other with it. */
async function prepareStores() {
  if (embedded) {
    const without = Object.values(stores).map(({ variable }) => [variable, undefined]);
    return { environment: Object.fromEntries(without), left: Object.keys(stores).map((name) => `${name}: --embedded`) };
  }
  // Kafka's jars are fetched once and kept beside those of `npm run services`.
  process.env.SIGNET_KAFKA_LIBS ??= resolve('.services/kafka/libs');
  const found = findServices(directory);
  const left = [];
  const environment = {};
  const prepare = async ([name, { variable, address }]) => {
    if (process.env[variable]) return;
    if (!found[name].available) return void left.push(`${name}: ${found[name].reason}`);
    try {
      const start = startServices({ directory: join(directory, name), which: [name], ports: {} });
      starting.push(start);
      environment[variable] = address(await start);
    } catch (error) {
      left.push(`${name}: ${error.message}`);
    }
  };
  await Promise.all(Object.entries(stores).map(prepare));
  return { environment, left };
}

async function runJest(environment) {
  const outputFile = join(directory, 'jest.json');
  const args = [
    '--config',
    'jest.config.mjs',
    '--rootDir',
    '.',
    '--maxWorkers=2',
    '--json',
    '--outputFile',
    outputFile,
  ];
  const succeeded = await run(['node', ...jest, ...args, ...filter], environment);
  try {
    const report = JSON.parse(readFileSync(outputFile, 'utf8'));
    // A file that cannot even be loaded has no tests to count, and still is a failure.
    const failed = report.numFailedTests + report.numRuntimeErrorTestSuites;
    return {
      passed: report.numPassedTests,
      failed: succeeded ? failed : Math.max(failed, 1),
      skipped: report.numPendingTests + report.numTodoTests,
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

async function end() {
  current?.kill('SIGTERM');
  // Also what is only just starting: it would outlive its folder.
  const started = await Promise.allSettled(starting);
  await Promise.all(started.map(({ value }) => value?.stop()));
  rmSync(directory, { recursive: true, force: true });
}

async function main() {
  const failedChecks = await runChecks();
  const { environment, left } = await prepareStores();
  const chromium = process.env.SIGNET_TEST_CHROMIUM ?? '/usr/bin/chromium';
  if (!existsSync(chromium)) left.push(`tests in a browser: no ${chromium} (SIGNET_TEST_CHROMIUM names another)`);
  for (const reason of left) console.log(`Left out: ${reason}`);
  const missing = required && !embedded ? left.length : 0;
  if (missing) console.log('SIGNET_TEST_SERVICES=required: what is left out counts as failed.');
  const totals = await runJest(environment);
  const skipped = required ? 0 : totals.skipped;
  const failed = failedChecks + missing + totals.failed + (required ? totals.skipped : 0);
  if (left.length)
    console.log(`Left out: ${left.map((reason) => reason.split(':')[0]).join(', ')} (see above for why)`);
  return { line: `${totals.passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`, failed };
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => void (ending ??= end()).then(() => process.exit(1)));
const { line, failed } = await main();
await (ending ??= end());
console.log(line);
process.exit(failed ? 1 : 0);
