import { availableParallelism } from 'node:os';
import { inspect } from 'node:util';
import { ConfigError, loadConfig } from './config.js';

const problemsOf = (
  environment: NodeJS.ProcessEnv,
  required: Parameters<typeof loadConfig>[1] = {},
): readonly string[] => {
  try {
    loadConfig(environment, required);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
};

describe('loadConfig', () => {
  it('has a default for everything that the embedded run needs', () => {
    const config = loadConfig({});
    expect([config.port, config.publicUrl, config.values.SIGNET_DATA_DIR]).toEqual([
      8080,
      'http://127.0.0.1:8080',
      './data',
    ]);
  });

  it('names every variable that is wrong or missing at once', () => {
    const environment = {
      PORT: 'x',
      SIGNET_PUBLIC_URL: 'ftp://a',
      SIGNET_TRUSTED_PROXIES: '10.0.0.0/33',
      KAFKA_BROKERS: 'nohost',
    };
    const problems = problemsOf(environment, { required: ['DATABASE_URL', 'REDIS_URL'] });
    const names = ['DATABASE_URL', 'REDIS_URL', 'PORT', 'SIGNET_PUBLIC_URL', 'KAFKA_BROKERS', 'SIGNET_TRUSTED_PROXIES'];
    for (const name of names) expect(problems.some((problem) => problem.startsWith(name))).toBe(true);
    expect(problems).toHaveLength(names.length);
  });

  it('takes the two halves of the bucket’s credentials together', () => {
    const [id, secret] = [{ SIGNET_S3_ACCESS_KEY_ID: 'a' }, { SIGNET_S3_SECRET_ACCESS_KEY: 'b' }];
    for (const half of [id, secret])
      expect(problemsOf(half)).toEqual([
        'SIGNET_S3_SECRET_ACCESS_KEY: must be set together with SIGNET_S3_ACCESS_KEY_ID',
      ]);
    expect(problemsOf({ ...id, ...secret })).toEqual([]);
  });

  it('never prints a secret, wrong or right', () => {
    const secret = 'mysql://user:hunter2@db/x';
    expect(problemsOf({ DATABASE_URL: secret }).join()).not.toContain('hunter2');
    const { values } = loadConfig({
      DATABASE_URL: 'postgres://user:hunter2@db/x',
      SIGNET_BOOTSTRAP_KEY: 'sgk_0123456789abcdef',
    });
    expect(inspect(values, { depth: 9 }) + JSON.stringify(values) + String(values.DATABASE_URL)).not.toMatch(
      /hunter2|sgk_0123/,
    );
    expect(values.DATABASE_URL?.reveal()).toBe('postgres://user:hunter2@db/x');
  });

  it('takes an empty variable for an absent one', () => {
    expect(loadConfig({ REDIS_URL: '', PORT: '' }).values.REDIS_URL).toBeUndefined();
  });

  it('lets a service bring its own port, and the environment win', () => {
    expect(loadConfig({}, { defaults: { PORT: '4001' } }).port).toBe(4001);
    expect(loadConfig({ PORT: '5' }, { defaults: { PORT: '4001' } }).port).toBe(5);
  });

  it('lets the redirect alone have workers', () => {
    const workersOf = (text: string, workers = true): number =>
      loadConfig({ SIGNET_REDIRECT_WORKERS: text }, { workers }).values.SIGNET_REDIRECT_WORKERS;
    expect([workersOf('3'), workersOf('auto'), workersOf('1', false)]).toEqual([3, availableParallelism(), 1]);
    for (const wrong of ['0', '100', 'all', '1.5']) expect(() => workersOf(wrong)).toThrow('SIGNET_REDIRECT_WORKERS');
    expect(() => workersOf('2', false)).toThrow('only the redirect service has workers');
  });

  it('gives each worker a name of its own', () => {
    const worker = loadConfig({ SIGNET_INSTANCE: 'edge' }).asWorker(2);
    expect([worker.worker, worker.values.SIGNET_INSTANCE]).toEqual([2, 'edge-2']);
  });
});
