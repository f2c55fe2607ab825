import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CodeAnalyticsSchema, type ScanEvent } from '@signet/contracts';
import {
  freePort,
  loggedScans,
  namesIn,
  namesOf,
  RedirectFleet,
  scanNamed,
  ServiceProcess,
  until,
} from '@signet/testing';

const { SIGNET_TEST_DATABASE_URL, SIGNET_TEST_REDIS_URL, SIGNET_TEST_KAFKA_BROKERS } = process.env;
const describeHere =
  SIGNET_TEST_DATABASE_URL && SIGNET_TEST_REDIS_URL && SIGNET_TEST_KAFKA_BROKERS ? describe : describe.skip;

describeHere('the journal, on real servers', () => {
  const started = new Date();
  let fleet: RedirectFleet;
  beforeAll(async () => {
    fleet = await RedirectFleet.start({ redirects: 0, stores: ['postgres', 'redis', 'kafka'], others: ['analytics'] });
  }, 120_000);
  afterAll(() => fleet.stop());

  async function withRedirect(
    environment: Record<string, string>,
    use: (service: ServiceProcess) => Promise<void>,
  ): Promise<void> {
    const port = await freePort();
    const folder = { SIGNET_DATA_DIR: join(fleet.stores.directory, `redirect-on-${port}`) };
    const all = { ...fleet.environment, ...folder, ...environment };
    const service = new ServiceProcess('apps/redirect/dist/main.js', [], port, all);
    try {
      await service.start();
      await use(service);
    } finally {
      await service.end('SIGKILL');
    }
  }
  const eventually = (isSo: () => Promise<boolean>): Promise<boolean> => until(isSo, 100);
  const logged = (codeId: string): Promise<ScanEvent[]> =>
    loggedScans(fleet.environment['KAFKA_BROKERS'] ?? '', codeId, started);
  /** As analytics counts them; to whom this client is a bot. */
  const countedScans = async (codeId: string): Promise<number> => {
    const answer = await fleet.call('GET', `/v1/analytics/codes/${codeId}`, undefined, fleet.other('analytics'));
    const { totals } = CodeAnalyticsSchema.parse(JSON.parse(await answer.text()));
    return totals.scans + totals.bots;
  };
  const readiness = async ({ url }: ServiceProcess): Promise<{ status: number; journal: string | undefined }> => {
    const answer = await fetch(`${url}/readyz`);
    const { degraded }: { degraded: Record<string, string> } = JSON.parse(await answer.text());
    return { status: answer.status, journal: degraded['journal'] };
  };
  const metric = async ({ url }: ServiceProcess, name: RegExp): Promise<number> => {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    return Number(new RegExp(`^${name.source}.* ([0-9.]+)$`, 'm').exec(metrics)?.[1] ?? 0);
  };

  it('ships every answered scan once and in order, over outages and a freeze of Kafka and deaths of redirect', async () => {
    const { id, slug } = await fleet.createCode({});
    await withRedirect({}, async (service) => {
      const url = `${service.url}/${slug}`;
      const answered = await scanNamed(url, namesOf('up', 300));
      await fleet.stores.kill('kafka');
      answered.push(...(await scanNamed(url, namesOf('down', 1000))));
      expect(await metric(service, /signet_journal_depth/)).toBeGreaterThan(900);
      await service.end('SIGKILL');
      await service.start();
      answered.push(...(await scanNamed(url, namesOf('died', 500))));
      await fleet.stores.start('kafka');
      const thaw = fleet.stores.freeze('kafka');
      answered.push(...(await scanNamed(url, namesOf('frozen', 500))));
      thaw();
      answered.push(...(await scanNamed(url, namesOf('back', 300))));
      expect(answered).toHaveLength(2600);

      await eventually(async () => (await metric(service, /signet_journal_depth/)) === 0);
      const events = await logged(id);
      expect(events).toHaveLength(answered.length);
      expect(new Set(namesIn(events))).toEqual(new Set(answered));
      const sequences = events.map(({ sequence }) => Number(sequence));
      expect(sequences).toEqual(sequences.map((_, index) => index + (sequences[0] ?? 0)));
      await eventually(async () => (await countedScans(id)) === answered.length);
    });
  }, 180_000);

  it('counts what it has no room for while Kafka is away, says so, and fails no redirect', async () => {
    const { id, slug } = await fleet.createCode({});
    await withRedirect({ SIGNET_JOURNAL_MAX_MB: '1' }, async (service) => {
      await fleet.stores.kill('kafka');
      const answered = await scanNamed(`${service.url}/${slug}`, namesOf('many', 5000));
      expect(answered).toHaveLength(5000);
      expect(await readiness(service)).toEqual({ status: 200, journal: expect.stringContaining('full') });
      const folded = await metric(service, /signet_journal_folded_total\{reason="full"/);
      expect(folded).toBeGreaterThan(500);
      expect(await metric(service, /signet_journal_bytes/)).toBeLessThan(1.2 * 1024 * 1024);

      await fleet.stores.start('kafka');
      await eventually(async () => (await countedScans(id)) === 5000);
      const counts = (await logged(id)).flatMap((event) => (event.type === 'scan.folded' ? event.data.count : []));
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(folded);
      await scanNamed(`${service.url}/${slug}`, ['last.example']);
      await eventually(async () => (await readiness(service)).journal === undefined);
    });
  }, 180_000);

  it('goes on while its disk takes nothing, and keeps the counts when it works again', async () => {
    const { id, slug } = await fleet.createCode({});
    await withRedirect({}, async (service) => {
      const url = `${service.url}/${slug}`;
      // The process may write no byte of a file beyond the first page, as on a full disk; the limit can be lifted.
      const limit = (bytes: string): void => {
        execFileSync('prlimit', ['--pid', String(service.pid), `--fsize=${bytes}:unlimited`]);
      };
      expect(await scanNamed(url, namesOf('before', 50))).toHaveLength(50);
      limit('4096');
      expect(await scanNamed(url, namesOf('full', 300))).toHaveLength(300);
      const claim = await fleet.createCode({ maxScans: 1 });
      const claimed = await fetch(`${service.url}/${claim.slug}/claim`, { method: 'POST', redirect: 'manual' });
      expect(claimed.status).toBe(303);
      expect(await readiness(service)).toEqual({ status: 200, journal: expect.stringContaining('cannot be written') });
      expect(await metric(service, /signet_journal_folded_total\{reason="failed"/)).toBeGreaterThan(0);
      limit('unlimited');
      await pause(1000);
      expect(await scanNamed(url, namesOf('after', 50))).toHaveLength(50);
      expect((await readiness(service)).journal).toBeUndefined();
      await eventually(async () => (await countedScans(id)) === 400);
    });
  }, 120_000);
});
