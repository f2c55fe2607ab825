import { ManualClock } from '@signet/platform';
import { openTestDatabase, testLogger, type TestDatabase } from '@signet/testing';
import type { DataSource } from 'typeorm';
import { scansMigrations } from './scans.migrations.js';
import { VisitorSalts } from './visitor-salts.js';
import { visitorOf } from './visitor.js';

const HOUR = 3_600_000;

describe('VisitorSalts', () => {
  let database: TestDatabase;
  let clock: ManualClock;
  beforeAll(async () => {
    database = await openTestDatabase(scansMigrations);
  });
  beforeEach(async () => {
    clock = new ManualClock(new Date('2026-11-24T12:00:00Z'));
    await database.dataSource.query('DELETE FROM scans.visitor_salts');
  });
  afterAll(() => database.close());

  const start = async (dataSource: DataSource = database.dataSource): Promise<VisitorSalts> => {
    const salts = new VisitorSalts(dataSource, clock, testLogger());
    await salts.onApplicationBootstrap();
    return salts;
  };
  const storedDays = async (): Promise<string[]> => {
    const rows: { day: string }[] = await database.dataSource.query(
      'SELECT day::text AS day FROM scans.visitor_salts ORDER BY day',
    );
    return rows.map(({ day }) => day);
  };

  it('are the same in all processes', async () => {
    const processes = await Promise.all(Array.from({ length: 5 }, () => start()));
    const salts = processes.map((process) => process.saltOf(clock.now()));
    expect(salts[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set(salts).size).toBe(1);
  });

  it('change at midnight UTC without a scan that has no visitor', async () => {
    const salts = await start();
    const first = salts.saltOf(clock.now());
    clock.set(new Date('2026-11-24T23:30:00Z'));
    expect(salts.saltOf(clock.now())).toBe(first);
    await salts.settled();
    clock.set(new Date('2026-11-25T00:00:00Z'));
    const second = salts.saltOf(clock.now());
    expect(second).toBeDefined();
    expect(second).not.toEqual(first);
  });

  it('are deleted when their day began 48 hours ago', async () => {
    const salts = await start();
    clock.advance(24 * HOUR);
    salts.saltOf(clock.now());
    await salts.settled();
    expect(await storedDays()).toEqual(['2026-11-24', '2026-11-25']);
    clock.set(new Date('2026-11-26T00:00:00Z'));
    salts.saltOf(clock.now());
    await salts.settled();
    expect(await storedDays()).toEqual(['2026-11-25', '2026-11-26']);
  });

  it('are unknown while the database is away, and come when it is back', async () => {
    let isAway = true;
    const query = (...args: [string, unknown[]]): Promise<unknown> =>
      isAway ? Promise.reject(new Error('away')) : database.dataSource.query(...args);
    const salts = await start(Object.assign(Object.create(database.dataSource), { query }));
    expect(salts.saltOf(clock.now())).toBeUndefined();
    isAway = false;
    clock.advance(10_000);
    salts.saltOf(clock.now());
    await salts.settled();
    expect(salts.saltOf(clock.now())).toBeDefined();
  });
});

describe('the role of the redirect', () => {
  const onServer = process.env['SIGNET_TEST_DATABASE_URL'] ? it : it.skip;

  onServer('is enough for the salts', async () => {
    const database = await openTestDatabase(scansMigrations);
    const clock = new ManualClock();
    const salts = new VisitorSalts(await database.as('signet_redirect'), clock, testLogger());
    await salts.onApplicationBootstrap();
    expect(salts.saltOf(clock.now())).toBeDefined();
    clock.advance(48 * HOUR);
    salts.saltOf(clock.now());
    await salts.settled();
    const days: unknown[] = await database.dataSource.query('SELECT day FROM scans.visitor_salts');
    expect(days).toHaveLength(1);
    await database.close();
  });
});

describe('visitorOf', () => {
  const facts = {
    salt: '01'.repeat(16),
    workspaceId: 'w',
    ip: '203.0.113.77',
    userAgent: 'Safari',
  };

  it('is 16 hex digits, the same for the same visitor', () => {
    expect(visitorOf(facts)).toMatch(/^[0-9a-f]{16}$/);
    expect(visitorOf({ ...facts })).toBe(visitorOf(facts));
  });

  it.each([{ salt: '02'.repeat(16) }, { workspaceId: 'x' }, { ip: '203.0.113.78' }, { userAgent: 'Chrome' }])(
    'is another with %j',
    (difference) => {
      expect(visitorOf({ ...facts, ...difference })).not.toBe(visitorOf(facts));
    },
  );
});
