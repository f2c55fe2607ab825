import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Code, Scan, Verification } from '@signet/contracts';
import { decodeQrPng } from '../decode-qr.js';
import { oathtool, stepBefore, totp, untilStepHasLeft } from './authenticator.js';
import { agents, Client, eventId, eventually, type Frame } from './client.js';
import type { Run, RunStores } from './run.js';

/** How long an event may take at the worst, on a busy machine; the usual is printed. */
const DEADLINE = 30_000;
const count = (answers: Response[], status: number): number =>
  answers.filter((answer) => answer.status === status).length;
/** What a program outside of the workspace may answer: on a newcomer's machine it may be missing, in CI it may not. */
const orAbsent = (expected: string | null): unknown[] =>
  process.env['SIGNET_TEST_SERVICES'] === 'required' ? [expected] : [expected, undefined];
const locationOf = (answer: Response): string | null => answer.headers.get('location');
const report = (what: string, since: number): void =>
  void process.stderr.write(`  ${what}: ${Math.round(performance.now() - since)} ms\n`);

function zbarimg(png: Buffer): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'signet-zbar-'));
  try {
    writeFileSync(join(folder, 'code.png'), png);
    return execFileSync('zbarimg', ['--quiet', '--raw', join(folder, 'code.png')], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Scans from `workers` at once until told to stop; each scan names itself by its referrer, so that it is recognised in
 * the log of scans.
 * @returns the names of the scans that were answered
 */
function startScanning(client: Client, code: Code, workers: number): { answered: string[]; stop(): Promise<void> } {
  const answered: string[] = [];
  const stopping = new AbortController();
  let next = 0;
  const work = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const name = `n${(next += 1)}.example`;
      try {
        const answer = await client.scan(code, { 'user-agent': agents.android, referer: `https://${name}/` });
        if (answer.status === 302) answered.push(name);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  };
  const working = Array.from({ length: workers }, work);
  return {
    answered,
    async stop() {
      stopping.abort();
      await Promise.all(working);
    },
  };
}

/** Issues codes one after the other until told to stop. @returns those whose creation was answered */
function startIssuing(client: Client): { issued: Code[]; stop(): Promise<void> } {
  const issued: Code[] = [];
  const stopping = new AbortController();
  const work = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        issued.push(await client.createCode({ kind: 'link', target: { url: 'https://example.com/issued' } }));
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  };
  const working = work();
  return {
    issued,
    stop() {
      stopping.abort();
      return working;
    },
  };
}

/** The whole product from outside, in the order in which a newcomer meets it. */
export function describeStory(name: string, startRun: () => Promise<Run>): void {
  describe(`the story, ${name}`, () => {
    let run: Run;
    let client: Client;
    beforeAll(async () => {
      run = await startRun();
      client = new Client(run);
    }, 120_000);
    afterAll(() => run?.stop(), 60_000);

    const hostsOf = (scans: readonly Scan[]): string[] => scans.map(({ referrerHost = '' }) => referrerHost);
    const expectEachOnce = async (code: Code, answered: readonly string[]): Promise<void> => {
      const hasAll = (found: readonly Scan[]): boolean => {
        const seen = new Set(hostsOf(found));
        return answered.every((host) => seen.has(host));
      };
      const scans = await eventually(() => client.scans(code), hasAll, 4 * DEADLINE);
      const hosts = hostsOf(scans);
      expect(hosts.filter((host, index) => hosts.indexOf(host) !== index)).toEqual([]);
      expect(new Set(scans.map(({ id }) => id)).size).toBe(scans.length);
      // A scan may be recorded and its answer lost to the kill, so the log itself is what the totals must add up to.
      const [counted, logged] = await eventually(
        async () => [(await client.analytics(code)).totals.scans, (await client.scans(code)).length],
        ([total, rows]) => total === rows,
        DEADLINE,
      );
      expect(counted).toBe(logged);
    };

    it('issues a code whose image decodes to its short URL', async () => {
      const code = await client.createCode({ kind: 'link', target: { url: 'https://example.com/menu' } });
      expect(code).toMatchObject({
        status: 'active',
        version: 1,
        propagation: 'effective',
        shortUrl: `${run.url}/${code.slug}`,
      });
      const image = await fetch(`${run.url}/v1/codes/${code.id}/qr?format=png`, {
        headers: { authorization: `Bearer ${run.key}` },
      });
      expect([image.status, image.headers.get('content-type')]).toEqual([200, 'image/png']);
      const png = Buffer.from(await image.arrayBuffer());
      expect(await decodeQrPng(png)).toBe(code.shortUrl);
      expect(orAbsent(code.shortUrl)).toContain(zbarimg(png));
    });

    it('sends two phones on, and shows both scans in the analytics and on the stream under the same ids', async () => {
      const code = await client.createCode({ kind: 'link', target: { url: 'https://example.com/menu' } });
      const stream = await client.stream(`topics=scans&codeId=${code.id}`);
      const since = performance.now();
      for (const agent of [agents.iphone, agents.android]) {
        const answer = await client.scan(code, { 'user-agent': agent });
        expect([answer.status, locationOf(answer)]).toEqual([302, 'https://example.com/menu']);
      }
      const isScan = ({ event }: Frame): boolean => event === 'scan.recorded';
      const frames = await stream.until(2, isScan, DEADLINE);
      report('two scans on the stream', since);
      const analytics = await eventually(
        () => client.analytics(code),
        ({ totals }) => totals.scans === 2,
        DEADLINE,
      );
      report('two scans in the analytics', since);
      stream.close();
      expect(analytics.by.os.map(({ value }) => value).toSorted()).toEqual(['Android', 'iOS']);
      const ids = (await client.scans(code)).map(({ id }) => id);
      expect(frames.map(eventId).toSorted()).toEqual(ids.toSorted());

      await client.scan(code);
      const resumed = await client.stream(`topics=scans&codeId=${code.id}`, frames[0]?.id);
      const missed = await resumed.until(2, isScan, DEADLINE);
      resumed.close();
      expect(missed).toHaveLength(2);
      expect(missed.map(eventId)).toContain(eventId(frames[1] ?? { id: '', event: '', data: '{}' }));
    });

    it('takes the same printed code elsewhere after an edit', async () => {
      const code = await client.createCode({ kind: 'link', target: { url: 'https://example.com/a' } });
      expect(locationOf(await client.scan(code))).toBe('https://example.com/a');
      const edit = await client.api<Code>('PATCH', `/v1/codes/${code.id}`, {
        target: { url: 'https://example.com/b' },
      });
      expect(edit.body).toMatchObject({ version: 2, propagation: 'effective' });
      await eventually(
        () => client.scan(code),
        (answer) => locationOf(answer) === 'https://example.com/b',
        1000,
      );
      const history = await client.api<{ items: { version: number }[] }>('GET', `/v1/codes/${code.id}/history`);
      expect(history.body.items.map(({ version }) => version)).toEqual([2, 1]);
    });

    it('lets exactly one of 100 concurrent claims of a single-use code through, and a look burns nothing', async () => {
      const code = await client.createCode({ kind: 'link', target: { url: 'https://example.com/once' }, maxScans: 1 });
      expect((await client.scan(code, { 'user-agent': agents.iphone }, 'HEAD')).status).toBe(200);
      expect((await client.scan(code, { 'user-agent': agents.preview })).status).toBe(200);
      const page = await (await client.scan(code)).text();
      expect(page).not.toContain('example.com/once');
      const claims = await Promise.all(Array.from({ length: 100 }, () => client.claim(code)));
      expect([count(claims, 303), count(claims, 410)]).toEqual([1, 99]);
      expect(claims.filter(({ status }) => status === 303).map(locationOf)).toEqual(['https://example.com/once']);
      expect((await client.scan(code)).status).toBe(410);
      expect((await client.api<Code>('GET', `/v1/codes/${code.id}`)).body).toMatchObject({
        status: 'exhausted',
        scansUsed: 1,
      });
    });

    it('gives the browser that claimed the same answer again, and nobody else', async () => {
      const code = await client.createCode({ kind: 'link', target: { url: 'https://example.com/mine' }, maxScans: 1 });
      const page = await (await client.scan(code)).text();
      const [, nonce = ''] = /name="nonce"[^>]*value="([^"]+)"/.exec(page) ?? [];
      expect(nonce.length).toBeGreaterThan(20);
      expect((await client.claim(code, nonce)).status).toBe(303);
      const again = await client.claim(code, nonce);
      expect([again.status, locationOf(again)]).toEqual([303, 'https://example.com/mine']);
      expect((await client.claim(code)).status).toBe(410);
    });

    it('refuses the very next scan of a revoked code, and the next claim', async () => {
      const plain = await client.createCode({ kind: 'link', target: { url: 'https://example.com/plain' } });
      const single = await client.createCode({
        kind: 'link',
        target: { url: 'https://example.com/single' },
        maxScans: 1,
      });
      expect((await client.scan(plain)).status).toBe(302);
      for (const code of [plain, single]) {
        const revoked = await client.api<Code>('POST', `/v1/codes/${code.id}/revoke`, { reason: 'lost' });
        expect(revoked.body).toMatchObject({ status: 'revoked', propagation: 'effective' });
      }
      expect((await client.claim(single)).status).toBe(410);
      const since = performance.now();
      const answer = await eventually(
        () => client.scan(plain),
        ({ status }) => status === 410,
        1000,
      );
      report('revoked', since);
      expect(await answer.text()).not.toContain('example.com/plain');
    });

    it('enrolls a TOTP and accepts each of its codes once', async () => {
      const subject = `anna-${Date.now()}`;
      await client.api('PUT', `/v1/subjects/${subject}`, { displayName: 'Anna' });
      const { body: enrollment } = await client.api<{
        id: string;
        secret: string;
        claimToken: string;
        otpauthUri: string;
      }>('POST', '/v1/enrollments', { subject, factor: 'totp', delivery: 'inline' });
      expect(enrollment.otpauthUri).toContain(`secret=${enrollment.secret}`);
      await untilStepHasLeft(10);
      const now = new Date();
      expect(orAbsent(totp(enrollment.secret, now))).toContain(oathtool(enrollment.secret, now));
      const confirmed = await client.api<{ status: string; recoveryCodes: string[] }>(
        'POST',
        `/v1/enrollments/${enrollment.id}/confirm`,
        {
          code: totp(enrollment.secret, stepBefore(now)),
          claimToken: enrollment.claimToken,
        },
      );
      expect([confirmed.status, confirmed.body.status, confirmed.body.recoveryCodes.length]).toEqual([
        200,
        'active',
        10,
      ]);
      const verify = async (code: string): Promise<Verification> =>
        (await client.api<Verification>('POST', '/v1/verifications', { subject, factor: 'totp', code })).body;
      expect(await verify(totp(enrollment.secret, stepBefore(now)))).toMatchObject({
        result: 'rejected',
        reason: 'replayed',
      });
      expect(await verify(totp(enrollment.secret, now))).toMatchObject({ result: 'accepted' });
      expect(await verify(totp(enrollment.secret, now))).toMatchObject({ result: 'rejected', reason: 'replayed' });
      const audit = await eventually(
        () =>
          client.api<{ items: { result: string }[] }>(
            'GET',
            `/v1/audit?action=verification.attempt&subject=${subject}`,
          ),
        ({ body }) => body.items.length === 3,
        DEADLINE,
      );
      expect(audit.body.items.map(({ result }) => result)).toEqual(['rejected', 'accepted', 'rejected']);
      expect((await client.api('GET', '/v1/audit/verify')).body).toMatchObject({ ok: true });
    });

    it('loses no answered scan and no code that it issued to a kill -9 in the middle of both', async () => {
      const code = await client.createCode({ kind: 'link', target: { url: 'https://example.com/load' } });
      const load = startScanning(client, code, 16);
      await eventually(
        () => Promise.resolve(load.answered.length),
        (answered) => answered > 500,
        DEADLINE,
      );
      const issuing = startIssuing(client);
      await eventually(
        () => Promise.resolve(issuing.issued.length),
        (issued) => issued > 10,
        DEADLINE,
      );
      await run.killRedirect();
      await run.startRedirect();
      const before = load.answered.length;
      await eventually(
        () => Promise.resolve(load.answered.length),
        (answered) => answered > before + 200,
        DEADLINE,
      );
      await Promise.all([load.stop(), issuing.stop()]);
      const since = performance.now();
      await expectEachOnce(code, load.answered);
      for (const { id } of issuing.issued) expect((await client.api('GET', `/v1/codes/${id}`)).status).toBe(200);
      report(`${load.answered.length} scans around a kill -9 counted`, since);
    }, 120_000);

    if (name === 'distributed') describeOutages(() => ({ run, client, expectEachOnce }));
  });
}

interface Told {
  run: Run;
  client: Client;
  expectEachOnce: (code: Code, answered: readonly string[]) => Promise<void>;
}

/** What the distributed run promises while one of its stores is away. */
function describeOutages(told: () => Told): void {
  const storesOf = (run: Run): RunStores => {
    if (!run.stores) throw new Error('this run has no stores to stop');
    return run.stores;
  };

  it('counts scans once that were made while Kafka was stopped, and revokes meanwhile', async () => {
    const { run, client, expectEachOnce } = told();
    const code = await client.createCode({ kind: 'link', target: { url: 'https://example.com/quiet' } });
    const other = await client.createCode({ kind: 'link', target: { url: 'https://example.com/other' } });
    await storesOf(run).kill('kafka');
    const answered = Array.from({ length: 1000 }, (_, index) => `k${index}.example`);
    for (let start = 0; start < answered.length; start += 50) {
      const hosts = answered.slice(start, start + 50);
      const answers = await Promise.all(
        hosts.map((host) => client.scan(code, { 'user-agent': agents.iphone, referer: `https://${host}/` })),
      );
      expect(count(answers, 302)).toBe(hosts.length);
    }
    const revoked = await client.api<Code>('POST', `/v1/codes/${other.id}/revoke`, { reason: 'lost' });
    expect([revoked.status, revoked.body.propagation]).toEqual([200, 'effective']);
    await eventually(
      () => client.scan(other),
      ({ status }) => status === 410,
      1000,
    );
    const since = performance.now();
    await storesOf(run).start('kafka');
    await expectEachOnce(code, answered);
    report('1,000 scans without Kafka counted after its start', since);
  }, 180_000);

  it('lets one claim through when Redis is flushed between two', async () => {
    const { run, client } = told();
    const code = await client.createCode({ kind: 'link', target: { url: 'https://example.com/flushed' }, maxScans: 1 });
    expect((await client.claim(code)).status).toBe(303);
    await storesOf(run).flushRedis();
    expect((await client.claim(code)).status).toBe(410);
    const fresh = await client.createCode({
      kind: 'link',
      target: { url: 'https://example.com/flushed' },
      maxScans: 1,
    });
    await storesOf(run).flushRedis();
    const claims = await Promise.all(Array.from({ length: 20 }, () => client.claim(fresh)));
    expect([count(claims, 303), count(claims, 410)]).toEqual([1, 19]);
  });

  it('goes on without Redis: PostgreSQL answers for links and decides claims, and a revoke heals later', async () => {
    const { run, client } = told();
    const plain = await client.createCode({ kind: 'link', target: { url: 'https://example.com/plain' } });
    const single = await client.createCode({
      kind: 'link',
      target: { url: 'https://example.com/single' },
      maxScans: 1,
    });
    const lost = await client.createCode({ kind: 'link', target: { url: 'https://example.com/lost' }, maxScans: 1 });
    await storesOf(run).kill('redis');
    expect((await client.scan(plain)).status).toBe(302);
    const claims = await Promise.all(Array.from({ length: 10 }, () => client.claim(single)));
    expect([count(claims, 303), count(claims, 410)]).toEqual([1, 9]);
    const revoked = await client.api<Code>('POST', `/v1/codes/${lost.id}/revoke`, { reason: 'lost' });
    expect([revoked.status, revoked.body.propagation]).toEqual([200, 'pending']);
    expect((await client.claim(lost)).status).toBe(410);
    await client.api('POST', `/v1/codes/${plain.id}/revoke`, { reason: 'lost' });
    await storesOf(run).start('redis');
    await eventually(
      () => client.scan(plain),
      ({ status }) => status === 410,
      DEADLINE,
    );
  }, 90_000);

  it('goes on redirecting links without PostgreSQL, and answers 503 to what it cannot decide or store', async () => {
    const { run, client } = told();
    const plain = await client.createCode({ kind: 'link', target: { url: 'https://example.com/plain' } });
    const single = await client.createCode({
      kind: 'link',
      target: { url: 'https://example.com/single' },
      maxScans: 1,
    });
    expect((await client.scan(plain)).status).toBe(302);
    await storesOf(run).kill('postgres');
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.scan(plain)));
    expect(count(answers, 302)).toBe(20);
    const write = await client.api('POST', '/v1/codes', { target: { url: 'https://example.com/new' } });
    const claim = await client.claim(single);
    for (const { status, headers } of [write, claim]) {
      expect(status).toBe(503);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    }
    await storesOf(run).start('postgres');
    await eventually(
      () => client.claim(single),
      ({ status }) => status === 303,
      DEADLINE,
    );
    expect((await client.claim(single)).status).toBe(410);
    await client.createCode({ target: { url: 'https://example.com/new' } });
  }, 90_000);
}
