import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { LoggedVerification, VerificationAnalytics, VerificationData } from '@signet/contracts';
import { newId } from '@signet/platform';
import { findErasure, insertErasure } from '@signet/privacy';
import { AnalyticsApp, eventOf } from './analytics-app.fixture.js';

let analytics: AnalyticsApp;
beforeAll(async () => {
  analytics = await AnalyticsApp.open('2026-03-04T12:30:00.000Z');
});
afterAll(() => analytics.close());

function verification(data: Partial<VerificationData> & { at: string }, id?: string) {
  const result = data.result ?? 'accepted';
  const decided: VerificationData = {
    workspaceId: analytics.workspaceId,
    verificationId: newId(),
    subject: 'ann',
    factorType: 'totp',
    result,
    biometric: 'none',
    signals: [],
    riskScore: 0,
    ...data,
  };
  return eventOf(`verification.${result}`, decided, id);
}
function enrollment(step: string, enrollmentId: string, at: string) {
  const data = { workspaceId: analytics.workspaceId, subjectId: newId(), subject: 'ann', enrollmentId, at };
  return eventOf(`enrollment.${step}`, data);
}

describe('the log of verifications', () => {
  const at = (minute: number, second = 0) => new Date(Date.UTC(2026, 2, 4, 10, minute, second)).toISOString();
  const range = 'from=2026-03-04T10:00:00Z&to=2026-03-04T11:00:00Z';

  beforeAll(async () => {
    const twice = verification({ at: at(1), subject: 'bob', country: 'CH', deviceType: 'phone' });
    await analytics.record('verifications', [
      twice,
      twice,
      // Ann needs three tries and 40 seconds.
      verification({ at: at(2), result: 'rejected', reason: 'wrong_code', country: 'DE' }),
      verification({ at: at(2, 10), result: 'step_up', reason: 'policy' }),
      verification({ at: at(2, 40), factorType: 'recovery_code' }),
      // Two tries that are an hour's half apart are two sign-ins.
      verification({ at: at(5), subject: 'cy', result: 'rejected', reason: 'wrong_code' }),
      verification({ at: at(35), subject: 'cy' }),
      verification({ at: at(40), subject: "o'neil\u0000", result: 'rejected', reason: 'throttled' }),
    ]);
  });

  it('lists them newest first, a page at a time, a redelivered one once', async () => {
    const all: LoggedVerification[] = [];
    let cursor = '';
    do {
      const page: { items: LoggedVerification[]; nextCursor: string | null } = await analytics.get(
        `/v1/verifications?${range}&limit=3${cursor && `&cursor=${cursor}`}`,
      );
      all.push(...page.items);
      cursor = page.nextCursor ?? '';
    } while (cursor);
    expect(all).toHaveLength(7);
    expect(all.map((one) => one.at)).toEqual(
      all
        .map((one) => one.at)
        .toSorted()
        .toReversed(),
    );
    expect(all.at(-1)).toMatchObject({ subject: 'bob', result: 'accepted', country: 'CH', signals: [], riskScore: 0 });
  });

  it.each([
    ['subject=ann', 3],
    ['result=rejected', 3],
    ['reason=wrong_code', 2],
    ['factorType=recovery_code', 1],
    ['country=DE', 1],
    [`codeId=${newId()}`, 0],
    ['subject=ann&result=step_up', 1],
  ])('finds those with %s', async (filter, count) => {
    const { items } = await analytics.get<{ items: unknown[] }>(`/v1/verifications?${range}&${filter}`);
    expect(items).toHaveLength(count);
  });

  it.each(['country=ch', 'result=maybe', 'limit=201', 'cursor=%00'])('refuses %s', async (query) => {
    expect((await analytics.inject(`/v1/verifications?${query}`)).statusCode).toBeGreaterThanOrEqual(400);
  });

  it('exports them as NDJSON and CSV, oldest first', async () => {
    const lines = (await analytics.inject(`/v1/verifications/export?${range}`)).body.trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as LoggedVerification).at)).toEqual([
      at(1),
      at(2),
      at(2, 10),
      at(2, 40),
      at(5),
      at(35),
      at(40),
    ]);
    const csv = (await analytics.inject(`/v1/verifications/export?${range}&format=csv`)).body.split('\r\n');
    expect(csv).toHaveLength(9);
  });

  it('counts them by result, reason, factor and country, and how long people took', async () => {
    const answer = await analytics.get<VerificationAnalytics>(`/v1/analytics/verifications?${range}`);
    expect(answer.totals).toEqual({
      attempts: 7,
      accepted: 3,
      rejected: 3,
      stepUp: 1,
      subjects: 4,
      medianSecondsToAccept: 40,
    });
    expect(answer.series).toEqual([{ t: '2026-03-04T10:00:00.000Z', accepted: 3, rejected: 3, stepUp: 1 }]);
    expect(answer.by).toMatchObject({
      reason: [
        { value: 'wrong_code', count: 2 },
        { value: 'policy', count: 1 },
        { value: 'throttled', count: 1 },
      ],
      factor: [
        { value: 'totp', count: 6 },
        { value: 'recovery_code', count: 1 },
      ],
      country: [
        { value: 'CH', count: 1 },
        { value: 'DE', count: 1 },
      ],
      device: [{ value: 'phone', count: 1 }],
    });
  });

  it('tells how far the enrollments of a time have come, whatever the order of their events', async () => {
    const [done, claimed, expired, later] = [newId(), newId(), newId(), newId()];
    await analytics.record('enrollments', [
      enrollment('confirmed', done, '2026-03-03T10:02:30.000Z'),
      enrollment('created', done, '2026-03-03T10:00:00.000Z'),
      enrollment('created', done, '2026-03-03T10:00:00.000Z'),
      enrollment('created', claimed, '2026-03-03T10:00:00.000Z'),
      enrollment('claimed', claimed, '2026-03-03T10:01:00.000Z'),
      enrollment('created', expired, '2026-03-03T10:00:00.000Z'),
      enrollment('expired', expired, '2026-03-04T10:00:00.000Z'),
      enrollment('created', later, '2026-03-04T10:00:00.000Z'),
    ]);
    const day = 'from=2026-03-03T00:00:00Z&to=2026-03-04T00:00:00Z&interval=day';
    const { enrollments, totals } = await analytics.get<VerificationAnalytics>(`/v1/analytics/verifications?${day}`);
    expect(enrollments).toEqual({
      created: 3,
      opened: 2,
      claimed: 2,
      confirmed: 1,
      expired: 1,
      revoked: 0,
      medianSecondsToConfirm: 150,
    });
    expect(totals).toMatchObject({ attempts: 0, medianSecondsToAccept: null });
  });
});

describe('the log of verifications of a subject that was erased', () => {
  const at = (minute: number) => new Date(Date.UTC(2026, 2, 4, 11, minute)).toISOString();
  const range = 'from=2026-03-04T11:00:00Z&to=2026-03-04T12:00:00Z';

  it('keeps every number and names nobody, also where the log tells of it late', async () => {
    const person = { subject: 'berta', ip: '203.0.113.0', deviceId: 'laptop', city: 'Ulm', country: 'DE' };
    const attempts = [
      verification({ at: at(1), ...person, result: 'rejected', reason: 'wrong_code' }),
      verification({ at: at(2), ...person }),
      verification({ at: at(2), subject: 'cora', country: 'DE' }),
    ];
    await analytics.record('verifications', attempts);
    const codeId = await analytics.createCode();
    const counted = () => analytics.get<VerificationAnalytics>(`/v1/analytics/verifications?${range}`);
    const before = await counted();

    const { platform, workspaceId } = analytics;
    const { manager } = platform.dataSource;
    const erasureId = newId();
    const erasure = {
      id: erasureId,
      workspaceId,
      subject: 'berta',
      requestedAt: new Date(at(10)),
      requestedBy: 'key:1',
    };
    await insertErasure(manager, erasure, ['verifications', 'scans']);
    const told = { workspaceId, subjectId: newId(), subject: 'berta', erasureId, codeIds: [codeId], at: at(10) };
    await analytics.record('enrollments', [eventOf('subject.erased', told)]);
    const { stores = [] } = (await findErasure(manager, workspaceId, erasureId)) ?? {};
    expect(stores).toMatchObject([
      { store: 'scans', records: 0 },
      { store: 'verifications', records: 2 },
    ]);
    expect(stores.every(({ finishedAt }) => finishedAt !== null)).toBe(true);

    expect(await counted()).toEqual(before);
    await analytics.record('verifications', [
      verification({ at: at(9), ...person }),
      verification({ at: at(11), subject: 'berta' }),
    ]);
    const { items } = await analytics.get<{ items: LoggedVerification[] }>(`/v1/verifications?${range}`);
    const pseudonym = `erased:${erasureId}`;
    expect(items.map(({ subject }) => subject)).toEqual(['berta', pseudonym, 'cora', pseudonym, pseudonym]);
    expect(JSON.stringify(items.slice(1))).not.toMatch(/berta|203\.0\.113|laptop|Ulm/);
    expect((await counted()).totals.subjects).toBe(before.totals.subjects + 1);
  });
});
