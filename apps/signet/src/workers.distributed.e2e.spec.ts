import { existsSync, readdirSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  childrenOf,
  freePort,
  KeepAliveClient,
  loggedScans,
  namesIn,
  namesOf,
  RedirectFleet,
  scanNamed,
  ServiceProcess,
  until,
  type StoreName,
} from '@signet/testing';

const STORES: StoreName[] = ['postgres', 'redis', 'kafka'];
const { SIGNET_TEST_DATABASE_URL, SIGNET_TEST_REDIS_URL, SIGNET_TEST_KAFKA_BROKERS } = process.env;
const describeHere =
  SIGNET_TEST_DATABASE_URL && SIGNET_TEST_REDIS_URL && SIGNET_TEST_KAFKA_BROKERS ? describe : describe.skip;

/** The same journals, whatever runs on them. */
interface Redirect {
  service: ServiceProcess;
  journals: string;
}

describeHere('a redirect with workers', () => {
  let fleet: RedirectFleet;
  const started = new Date();
  const running: ServiceProcess[] = [];
  beforeAll(async () => {
    fleet = await RedirectFleet.start({ redirects: 0, stores: STORES });
  }, 120_000);
  afterEach(async () => {
    await Promise.all(running.splice(0).map((service) => service.end('SIGKILL')));
  });
  afterAll(() => fleet.stop());

  const redirectOf = async (name: string, workers: number, environment = {}): Promise<Redirect> => {
    const folder = join(fleet.stores.directory, name);
    const own = { SIGNET_DATA_DIR: folder, SIGNET_REDIRECT_WORKERS: String(workers), ...environment };
    const all = { ...fleet.environment, ...own };
    const service = new ServiceProcess('apps/redirect/dist/main.js', [], await freePort(), all);
    running.push(service);
    return { service, journals: join(folder, 'journal') };
  };
  const start = async (name: string, workers: number, environment = {}): Promise<Redirect> => {
    const redirect = await redirectOf(name, workers, environment);
    await redirect.service.start();
    return redirect;
  };
  const eventually = (isSo: () => Promise<boolean>): Promise<boolean> => until(isSo, 50);
  const textOf = async (url: string): Promise<string> => (await fetch(url)).text();
  const healthOf = async ({ url }: ServiceProcess): Promise<{ degraded: Record<string, string> }> =>
    JSON.parse(await textOf(`${url}/readyz`));
  const workersIn = (metrics: string): string[] =>
    [...new Set(Array.from(metrics.matchAll(/worker="(\d+)"/g), ([, worker = '']) => worker))].toSorted();

  /** "all", or how many of them; undefined when whoever was asked died of it. */
  const workersOf = async (service: ServiceProcess): Promise<string | undefined> => {
    const health = await healthOf(service).catch(() => undefined);
    return health ? (health.degraded['workers'] ?? 'all') : undefined;
  };

  async function expectEachOnce(codeId: string, answered: readonly string[]): Promise<void> {
    let names: (string | undefined)[] = [];
    await eventually(async () => {
      names = namesIn(await loggedScans(fleet.environment['KAFKA_BROKERS'] ?? '', codeId, started));
      const logged = new Set(names);
      return answered.every((name) => logged.has(name));
    });
    expect(names.length).toBe(new Set(names).size);
  }

  it('loses no answered scan when one is killed, and another takes its place', async () => {
    const { id, slug } = await fleet.createCode({});
    const { service } = await start('killed', 2);
    expect(workersIn(await textOf(`${service.url}/metrics`))).toEqual(['1', '2']);
    const before = await scanNamed(`${service.url}/${slug}`, namesOf('a', 300));
    expect(before).toHaveLength(300);
    const metrics = await textOf(`${service.url}/metrics`);
    const counts = Array.from(metrics.matchAll(/^signet_scans_total\{outcome="redirected".*\} (\d+)$/gm), ([, n]) =>
      Number(n),
    );
    expect([counts.length, counts.reduce((sum, n) => sum + n, 0)]).toEqual([2, 300]);

    const [victim = 0] = childrenOf(service.pid);
    const during = scanNamed(`${service.url}/${slug}`, namesOf('b', 2000));
    await pause(50);
    process.kill(victim, 'SIGKILL');
    await eventually(async () => (await workersOf(service)) === '1 of 2 answer');
    await eventually(async () => (await workersOf(service)) === 'all');
    expect(childrenOf(service.pid)).not.toContain(victim);
    const after = await scanNamed(`${service.url}/${slug}`, namesOf('c', 300));
    expect(after).toHaveLength(300);
    await expectEachOnce(id, [...before, ...(await during), ...after]);
  }, 120_000);

  it('leaves nobody waiting whose connection was on its way to a worker that is killed', async () => {
    const { slug } = await fleet.createCode({});
    const { service } = await start('waiting', 2);
    const askAnew = (): Promise<void> =>
      new Promise((resolve) => {
        const outgoing = request(`${service.url}/${slug}`, { agent: false }, (answer) => answer.resume());
        outgoing.on('error', () => {}).on('close', resolve);
        outgoing.end();
      });
    const calling = new AbortController();
    const callers = Array.from({ length: 32 }, async () => {
      while (!calling.signal.aborted) await askAnew();
    });
    for (let kills = 0; kills < 4; kills += 1) {
      const [victim = 0] = childrenOf(service.pid);
      process.kill(victim, 'SIGKILL');
      await eventually(async () => !childrenOf(service.pid).includes(victim) && (await workersOf(service)) === 'all');
    }
    calling.abort();
    // Each ends by itself, or this does not.
    await Promise.all(callers);
    expect(childrenOf(service.pid)).toHaveLength(2);
  }, 120_000);

  it('answers every request that was sent before it stops', async () => {
    const { slug } = await fleet.createCode({});
    const { service } = await start('stopped', 2);
    const clients = await Promise.all(Array.from({ length: 32 }, () => KeepAliveClient.open(service.port, `/${slug}`)));
    const endings = clients.map((client) => client.run());
    const answered = (): number => clients.reduce((sum, { answers }) => sum + answers.length, 0);
    while (answered() < 1000) await pause(5);
    expect(await service.end('SIGTERM')).toBe(0);
    expect(await Promise.all(endings)).toEqual(endings.map(() => 'told'));
    expect(new Set(clients.flatMap(({ answers }) => answers))).toEqual(new Set([302]));
  }, 60_000);

  it('ships what is in the journals of more workers, or of one process alone, that there were before', async () => {
    const { id, slug } = await fleet.createCode({});
    const away = { KAFKA_BROKERS: '127.0.0.1:1' };
    const answered: string[] = [];
    for (const [workers, prefix] of [
      [1, 'alone'],
      [3, 'three'],
      [1, 'again'],
    ] as const) {
      const { service } = await start('fewer', workers, away);
      answered.push(...(await scanNamed(`${service.url}/${slug}`, namesOf(prefix, 60))));
      await service.end('SIGKILL');
    }
    expect(answered).toHaveLength(180);
    const { service, journals } = await start('fewer', 2);
    await expectEachOnce(id, answered);
    const depths = await textOf(`${service.url}/metrics`);
    expect(depths).toMatch(/signet_journal_depth\{.*worker="1".*\} 0/);
    expect(await service.end('SIGTERM')).toBe(0);
    expect(
      readdirSync(journals)
        .filter((name) => name.startsWith('worker'))
        .toSorted(),
    ).toEqual(['worker-1', 'worker-2']);
    expect(existsSync(join(journals, 'segments'))).toBe(false);
  }, 120_000);

  it('is alone on its journals: a second one refuses to start, and says why', async () => {
    await start('alone', 2);
    for (const workers of [1, 2]) {
      const { service } = await redirectOf('alone', workers);
      await expect(service.start()).rejects.toThrow(/exit 1\).*in use by another Signet process; stop it/s);
    }
  }, 60_000);

  it('ends when none of its workers can start, with the words of the one that could not', async () => {
    const { service: first } = await start('port', 2);
    const { environment } = fleet;
    const own = { SIGNET_DATA_DIR: join(fleet.stores.directory, 'port-2'), SIGNET_REDIRECT_WORKERS: '2' };
    const second = new ServiceProcess('apps/redirect/dist/main.js', [], first.port, { ...environment, ...own });
    running.push(second);
    await second.start().catch(() => {});
    expect([await second.exited(), second.output]).toEqual([1, expect.stringContaining(`Port ${first.port}`)]);
  }, 60_000);
});
