import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openTestPlatform, type TestPlatform } from '@signet/testing';
import { analyticsMigrations } from './analytics.migrations.js';
import { AnalyticsUpkeep } from './analytics-upkeep.js';
import { RollupRebuild } from './rollup-rebuild.js';
import { RollupWriter } from './rollup-writer.js';

describe('partitions come to a database that has scans', () => {
  const [first, ...later] = analyticsMigrations;
  const [workspaceId, codeId] = [randomUUID(), randomUUID()];
  let platform: TestPlatform;

  beforeAll(async () => {
    platform = await openTestPlatform(first ? [first] : [], { SIGNET_SCAN_RETENTION_DAYS: '30' });
    platform.clock.set(new Date('2026-03-04T12:00:00.000Z'));
    const insert = `INSERT INTO analytics.scans (id, workspace_id, code_id, at, counted_as, outcome, bot, preview, visitor)
      VALUES ($1, $2, $3, $4, 'scan', 'redirected', false, false, $5)`;
    for (const [at, visitor] of [
      ['2026-01-02T10:00:00Z', 'a'],
      ['2026-03-03T10:00:00Z', 'a'],
      ['2026-03-03T10:00:01Z', 'b'],
      ['2026-03-04T10:00:00Z', 'a'],
      ['0001-01-01T00:00:00Z', 'a'],
    ])
      await platform.dataSource.query(insert, [randomUUID(), workspaceId, codeId, at, visitor]);
    const runner = platform.dataSource.createQueryRunner();
    for (const Migration of later) await new Migration().up(runner);
    await runner.release();
  });
  afterAll(() => platform.close());

  it('and their days are counted again, before those that are no longer kept are dropped', async () => {
    const { dataSource, clock, config, eventLog, logger, metrics } = platform;
    const rebuild = new RollupRebuild(dataSource, new RollupWriter(dataSource, clock), eventLog);
    const upkeep = new AnalyticsUpkeep(dataSource, rebuild, clock, config, logger, metrics);
    expect(await metrics.metrics()).toMatch(/signet_rollup_days_to_rebuild\S* 4/);
    while (await upkeep.step());
    expect(await metrics.metrics()).toMatch(/signet_rollup_days_to_rebuild\S* 0/);
    const days: unknown[] = await dataSource.query(
      `SELECT bucket, scans::int FROM analytics.rollups_day WHERE scope_id = $1 AND bucket > '2020-01-01' ORDER BY bucket`,
      [codeId],
    );
    expect(days).toEqual([
      { bucket: new Date('2026-01-02T00:00:00Z'), scans: 1 },
      { bucket: new Date('2026-03-03T00:00:00Z'), scans: 2 },
      { bucket: new Date('2026-03-04T00:00:00Z'), scans: 1 },
    ]);
    const raw: unknown[] = await dataSource.query(
      'SELECT tableoid::regclass::text AS place, count(*)::int AS scans FROM analytics.scans GROUP BY 1 ORDER BY 1',
    );
    expect(raw).toEqual([
      { place: 'analytics.scans_20260303', scans: 2 },
      { place: 'analytics.scans_20260304', scans: 1 },
    ]);
  });
});
