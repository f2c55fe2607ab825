import { request, type IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Alert, AnomalyRules, BacktestResult } from '@signet/contracts';
import { newId } from '@signet/platform';
import { findErasure, insertErasure } from '@signet/privacy';
import { AnomaliesApp } from './anomalies-app.fixture.js';
import { AnomaliesUpkeep } from './anomalies-upkeep.js';
import { DAY_MS, HOUR_MS, MINUTE_MS } from './finding.js';
import { attempt, logged, scan } from './happenings.fixture.js';

const NOW = '2026-11-25T12:00:00.000Z';
const NOW_MS = Date.parse(NOW);

describe('anomalies', () => {
  let anomalies: AnomaliesApp;
  let workspaceId: string;

  beforeAll(async () => {
    anomalies = await AnomaliesApp.open(NOW);
    ({ workspaceId } = anomalies);
  });
  beforeEach(() => anomalies.platform.clock.set(new Date(NOW)));
  afterAll(() => anomalies.close());

  const scanned = (at: number, codeId: string, data: object = {}): object =>
    logged('scan.recorded', withWorkspace(scan(at, data, codeId)));
  const withWorkspace = ({
    id,
    at,
    data,
    codeId,
  }: ReturnType<typeof scan>): { id: string; at: number; data: object } => ({
    id,
    at,
    data: { ...data, codeId, workspaceId },
  });
  const verified = (at: number, data: Parameters<typeof attempt>[1]): object => {
    const made = attempt(at, { ...data, workspaceId });
    return logged(`verification.${made.data.result}`, made);
  };
  const alertsOf = async (query: string): Promise<Alert[]> => anomalies.alerts(`?${query}`);

  it('tell of a scan of a revoked code, in the list and on the stream, and count further ones on it', async () => {
    const codeId = newId();
    await anomalies.app.listen(0, '127.0.0.1');
    const stream = await openStream(`${await anomalies.app.getUrl()}/v1/stream?topics=alerts`, anomalies.admin);
    await stream.until('event: hello');
    const started = performance.now();
    await anomalies.record('scans', [scanned(NOW_MS, codeId, { outcome: 'revoked', country: 'NO' })]);
    await stream.until('alert.raised');
    const milliseconds = performance.now() - started;
    expect(stream.text()).toContain(codeId);
    await anomalies.record('scans', [
      scanned(NOW_MS + 1000, codeId, { outcome: 'revoked' }),
      scanned(NOW_MS + 2000, codeId, { outcome: 'revoked' }),
      scanned(NOW_MS + 3000, codeId, { outcome: 'revoked', bot: true }),
    ]);
    const found = await alertsOf(`codeId=${codeId}`);
    expect(found).toMatchObject([{ kind: 'revoked_scan', count: 3, status: 'open', actions: ['alert'] }]);
    expect(found[0]?.evidence).toHaveLength(3);
    expect(milliseconds).toBeLessThan(5000);
    stream.close();
  });

  it('look at each event once, though the log hands it over again', async () => {
    const codeId = newId();
    const event = scanned(NOW_MS, codeId, { outcome: 'revoked' });
    await anomalies.record('scans', [event, event]);
    expect(await alertsOf(`codeId=${codeId}`)).toMatchObject([{ count: 1 }]);
  });

  it('learn of a subject from what was accepted, and ask for more after a journey that nobody makes', async () => {
    const subject = 'traveller';
    const days = Array.from({ length: 8 }, (_, day) => verified(NOW_MS - (9 - day) * DAY_MS, { subject }));
    await anomalies.record('verifications', days);
    await anomalies.record('verifications', [
      verified(NOW_MS - 20 * MINUTE_MS, { subject }),
      verified(NOW_MS, { subject, country: 'JP' }),
    ]);
    const found = await alertsOf(`subject=${subject}`);
    expect(found.map(({ kind }) => kind).toSorted()).toEqual(['impossible_travel', 'unexpected_country']);
    const travel = found.find(({ kind }) => kind === 'impossible_travel');
    expect(travel).toMatchObject({ actions: ['alert', 'step_up'], stepUpUntil: '2026-11-25T13:00:00.000Z' });
    expect(travel?.evidence).toHaveLength(2);
  });

  it('only learn from what happened long ago', async () => {
    const codeId = newId();
    await anomalies.record('scans', [scanned(NOW_MS - 3 * DAY_MS, codeId, { outcome: 'revoked' })]);
    expect(await alertsOf(`codeId=${codeId}`)).toEqual([]);
  });

  it('tell of guessers, and of a claim that was refused to somebody else', async () => {
    const times = { from: NOW, to: NOW };
    const guess = { kind: 'slug', workspaceId, ip: '203.0.113.0', count: 61, limit: 60, windowSeconds: 60, ...times };
    await anomalies.record('scans', [logged('scan.guessing', { id: newId(), at: NOW_MS, data: guess })]);
    expect(await alertsOf('kind=guessing')).toMatchObject([{ network: '203.0.113.0', numbers: { tries: 61 } }]);
    const claim = { workspaceId, subjectId: newId(), subject: 'berta', enrollmentId: newId(), at: NOW };
    await anomalies.record('enrollments', [
      logged('enrollment.claim_refused', { id: newId(), at: NOW_MS, data: claim }),
    ]);
    expect(await alertsOf('kind=claim_refused')).toMatchObject([{ subject: 'berta', severity: 'high' }]);
  });

  it('tell of a busy code that falls silent, and take it back when it is scanned again', async () => {
    const codeId = newId();
    const history = Array.from({ length: 20 * 48 }, (_, index) =>
      scanned(NOW_MS - 20 * DAY_MS + index * 30 * MINUTE_MS, codeId),
    );
    await anomalies.record('scans', history);
    const upkeep = anomalies.app.get(AnomaliesUpkeep);
    await upkeep.step();
    expect(await alertsOf(`codeId=${codeId}`)).toEqual([]);
    anomalies.platform.clock.set(new Date(NOW_MS + 16 * HOUR_MS));
    await upkeep.step();
    await upkeep.step();
    expect(await alertsOf(`codeId=${codeId}`)).toMatchObject([{ kind: 'code_silent', status: 'open', count: 1 }]);
    await anomalies.record('scans', [scanned(NOW_MS + 16 * HOUR_MS, codeId)]);
    expect(await alertsOf(`codeId=${codeId}`)).toMatchObject([{ status: 'resolved', resolvedBy: 'system' }]);
  });

  describe('/v1/anomaly-rules', () => {
    it('begin with defaults, keep every version, and refuse a change of an older one', async () => {
      const first = await anomalies.call('GET', '/v1/anomaly-rules');
      expect(first.headers['etag']).toBe('"0"');
      expect(first.json<AnomalyRules>()).toMatchObject({ version: 0, rules: { new_device: { mode: 'on' } } });
      const put = (rules: object, tag: string) =>
        anomalies.call('PUT', '/v1/anomaly-rules', { body: { rules }, headers: { 'if-match': tag } });
      const changed = await put({ new_device: { mode: 'off' } }, '"0"');
      expect(changed.json()).toMatchObject({ version: 1, rules: { new_device: { mode: 'off', minSuccesses: 5 } } });
      expect((await put({}, '"0"')).statusCode).toBe(412);
      const wrong = await put({ new_device: { minSuccesses: 0 }, nonsense: {} }, '"1"');
      expect(wrong.statusCode).toBe(422);
      expect((await put({}, changed.headers['etag'] as string)).json()).toMatchObject({ version: 2 });
      const history = (await anomalies.call('GET', '/v1/anomaly-rules/history?limit=1')).json();
      expect(history.items).toMatchObject([{ version: 2 }]);
      const older = await anomalies.call('GET', `/v1/anomaly-rules/history?cursor=${history.nextCursor}`);
      expect(older.json().items).toMatchObject([{ version: 1, rules: { new_device: { mode: 'off' } } }]);
    });

    it('tell nobody of what a rule in shadow mode finds, and find nothing with one that is off', async () => {
      const rules = { revoked_scan: { mode: 'shadow' }, network_burst: { mode: 'off' } };
      await anomalies.call('PUT', '/v1/anomaly-rules', { body: { rules } });
      const codeId = newId();
      await anomalies.record('scans', [scanned(NOW_MS, codeId, { outcome: 'revoked' })]);
      const burst = newId();
      await anomalies.record(
        'scans',
        Array.from({ length: 100 }, (_, index) => scanned(NOW_MS + index, burst, { ip: '192.0.2.0' })),
      );
      expect(await alertsOf(`codeId=${codeId}`)).toEqual([]);
      expect(await alertsOf(`codeId=${codeId}&shadow=true`)).toMatchObject([{ kind: 'revoked_scan' }]);
      expect(await alertsOf(`codeId=${burst}`)).toEqual([]);
      await anomalies.call('PUT', '/v1/anomaly-rules', { body: { rules: {} } });
    });

    it('say what they would have raised over the stored history, and raise nothing', async () => {
      const codeId = newId();
      const at = NOW_MS - 2 * DAY_MS;
      await anomalies.record('scans', [
        ...Array.from({ length: 30 }, (_, index) => scanned(at + index * 1000, codeId, { ip: '192.0.2.0' })),
        scanned(at + HOUR_MS, codeId, { outcome: 'revoked' }),
        scanned(at + HOUR_MS + 1, codeId, { outcome: 'revoked' }),
      ]);
      const before = (await anomalies.alerts()).length;
      const body = {
        from: new Date(at - HOUR_MS).toISOString(),
        codeIds: [codeId],
        rules: { network_burst: { minimum: 20 }, revoked_scan: { mode: 'shadow' } },
      };
      const answer = await anomalies.call('POST', '/v1/anomaly-rules/backtest', { body });
      expect(answer.statusCode).toBe(200);
      const result = answer.json<BacktestResult>();
      expect(result).toMatchObject({ complete: true, notCovered: ['guessing', 'claim_refused'] });
      const of = (rule: string) => result.rules.find((one) => one.rule === rule);
      expect(of('network_burst')).toMatchObject({
        alerts: 1,
        occurrences: 1,
        samples: [{ codeId, network: '192.0.2.0' }],
      });
      expect(of('revoked_scan')).toMatchObject({ alerts: 1, occurrences: 2 });
      expect(await anomalies.alerts()).toHaveLength(before);
      const tooLong = await anomalies.call('POST', '/v1/anomaly-rules/backtest', {
        body: { from: '2026-01-01T00:00:00Z' },
      });
      expect(tooLong.json()).toMatchObject({ status: 422, errors: [{ path: 'to' }] });
    });
  });

  it('forget a subject that was erased, and its name in alerts', async () => {
    const subject = 'forgotten';
    const days = Array.from({ length: 8 }, (_, day) => verified(NOW_MS - (9 - day) * DAY_MS, { subject }));
    await anomalies.record('verifications', [...days, verified(NOW_MS, { subject, deviceType: 'desktop' })]);
    expect(await alertsOf(`subject=${subject}`)).toHaveLength(1);
    const { erasureId, notice } = await erasureOf(subject);
    await anomalies.record('enrollments', [notice]);
    expect(await alertsOf(`subject=${subject}`)).toEqual([]);
    const { dataSource } = anomalies.platform;
    const left = await dataSource.query(
      `SELECT (SELECT count(*)::int FROM analytics.anomaly_profiles WHERE name = $1) +
        (SELECT count(*)::int FROM analytics.alerts WHERE sentence LIKE '%' || $1 || '%') AS count`,
      [subject],
    );
    expect(left).toEqual([{ count: 0 }]);
    expect(await findErasure(dataSource.manager, workspaceId, erasureId)).toMatchObject({
      stores: [{ store: 'alerts', records: 1, finishedAt: new Date(NOW) }],
    });
  });

  it('leave an alert about whoever has the name of an erased subject since, though the erasure is read late', async () => {
    const subject = 'reborn';
    const { notice } = await erasureOf(subject);
    anomalies.platform.clock.advance(HOUR_MS);
    const wrong = Array.from({ length: 6 }, (_, index) =>
      verified(NOW_MS + MINUTE_MS + index, { subject, result: 'rejected', reason: 'invalid_code' }),
    );
    await anomalies.record('verifications', wrong);
    await anomalies.record('enrollments', [notice]);
    expect(await alertsOf(`subject=${subject}`)).toMatchObject([{ kind: 'subject_failures', subject }]);
  });

  /** An erasure at NOW, and what the log tells of it. */
  async function erasureOf(subject: string): Promise<{ erasureId: string; notice: object }> {
    const erasureId = newId();
    const erasure = { id: erasureId, workspaceId, subject, requestedAt: new Date(NOW), requestedBy: 'key:1' };
    await insertErasure(anomalies.platform.dataSource.manager, erasure, ['alerts']);
    const data = { workspaceId, subjectId: newId(), subject, erasureId, at: NOW };
    return { erasureId, notice: logged('subject.erased', { id: newId(), at: NOW_MS, data }) };
  }
});

/** What a stream has said so far. */
async function openStream(url: string, key: string) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(url, { agent: false, headers: { authorization: `Bearer ${key}` } }, resolve)
      .once('error', reject)
      .end();
  });
  let said = '';
  response.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  response.on('error', () => undefined);
  return {
    text: () => said,
    close: () => response.destroy(),
    async until(part: string): Promise<void> {
      while (!said.includes(part)) await delay(5);
    },
  };
}
