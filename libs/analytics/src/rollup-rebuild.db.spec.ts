import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SCAN_OUTCOMES, topics, type ScanEvent } from '@signet/contracts';
import { openTestPlatform, type TestPlatform } from '@signet/testing';
import { analyticsMigrations } from './analytics.migrations.js';
import { RollupRebuild } from './rollup-rebuild.js';
import { RollupWriter } from './rollup-writer.js';
import { foldedEvent, scanEvent, TestPartition } from './scan-events.fixture.js';

const NOW = new Date('2026-03-04T12:00:00.000Z');
const TABLES = ['rollups_minute', 'rollups_hour', 'rollups_day', 'code_days'];

let platform: TestPlatform;
let writer: RollupWriter;
let rebuild: RollupRebuild;
beforeAll(async () => {
  platform = await openTestPlatform(analyticsMigrations);
  platform.clock.set(NOW);
  writer = new RollupWriter(platform.dataSource, platform.clock);
  rebuild = new RollupRebuild(platform.dataSource, writer, platform.eventLog);
});
afterAll(() => platform.close());

/** Scans of all kinds over two days and some codes, with more visitors than are kept one by one. */
function manyScans(count: number): ScanEvent[] {
  const workspaceId = randomUUID();
  const codes = [randomUUID(), randomUUID(), randomUUID()];
  return Array.from({ length: count }, (_, n) => {
    const codeId = codes[n % 3] ?? '';
    const at = new Date(Date.UTC(2026, 2, 3, 0, 0, n * 61) + (n % 7)).toISOString();
    const outcome = SCAN_OUTCOMES[n % SCAN_OUTCOMES.length] ?? 'redirected';
    if (n % 50 === 0)
      return foldedEvent({
        workspaceId,
        codeId,
        outcome,
        hour: `${at.slice(0, 13)}:00:00.000Z`,
        count: 3,
        bot: n % 100 === 0,
      });
    return scanEvent({
      workspaceId,
      codeId,
      at,
      outcome,
      visitor: `v${n % 400}`,
      bot: n % 11 === 0,
      targetIndex: n % 2,
      city: `C${n % 30}`,
    });
  });
}

/** Everything that is counted, as it is stored. */
async function snapshot(): Promise<unknown[]> {
  const rows: unknown[] = [];
  for (const table of TABLES) {
    const keys = table === 'code_days' ? 'workspace_id, day, code_id' : 'scope_id, bucket';
    rows.push(await platform.dataSource.query(`SELECT * FROM analytics.${table} ORDER BY ${keys}`));
  }
  return rows;
}

describe('a rebuild', () => {
  it('from the raw scans makes the very rows that were there, and mends what was damaged', async () => {
    const partition = new TestPartition(manyScans(700));
    for (let from = 0; from < 700; from += 150) await writer.write(partition.batch(from, Math.min(700, from + 150)));
    const counted = await snapshot();
    expect(counted.every((rows) => Array.isArray(rows) && rows.length > 0)).toBe(true);
    for (const day of ['2026-03-03', '2026-03-04']) {
      const rebuilt = await rebuild.rebuildDay(new Date(day));
      expect(rebuilt?.after).toBe(rebuilt?.before);
    }
    expect(await snapshot()).toEqual(counted);

    await platform.dataSource.query(
      `UPDATE analytics.rollups_day SET scans = scans + 5; DELETE FROM analytics.rollups_minute;
       UPDATE analytics.rollups_hour SET counts = '{}', visitors = NULL; DELETE FROM analytics.code_days`,
    );
    for (const day of ['2026-03-03', '2026-03-04']) await rebuild.rebuildDay(new Date(day));
    expect(await snapshot()).toEqual(counted);
  });

  it('from the log counts what the raw scans lack, once, wherever the consumer stands', async () => {
    const events = manyScans(500);
    const before = new Date(Date.now() - 60_000);
    const records = [...events, ...events.slice(0, 50)].map((event) => ({
      key: 'k',
      value: Buffer.from(JSON.stringify(event)),
    }));
    await platform.eventLog.publish(topics.scans.name, [...records, { key: 'k', value: Buffer.from('no event') }]);
    const known = new TestPartition(events);
    await writer.write(known.batch(0, 200));
    const after = new Date(Date.now() + 60_000);
    expect(await rebuild.addMissingFromLog(before, after)).toEqual({ read: 551, added: 300, tooLate: 0 });
    expect(await rebuild.addMissingFromLog(before, after)).toEqual({ read: 551, added: 0, tooLate: 0 });
    const counted = await snapshot();
    await rebuild.rebuildDay(new Date('2026-03-03'));
    expect(await snapshot()).toEqual(counted);
  });

  it('keeps others from counting until it is over, and loses nothing that comes meanwhile', async () => {
    const events = manyScans(600);
    const partition = new TestPartition(events);
    await writer.write(partition.batch(0, 300));
    const writing = Array.from({ length: 10 }, (_, n) => writer.write(partition.batch(300, 330 + n * 30)));
    await Promise.all([rebuild.rebuildDay(new Date('2026-03-03')), ...writing]);
    const counted = await snapshot();
    await rebuild.rebuildDay(new Date('2026-03-03'));
    expect(await snapshot()).toEqual(counted);
  });
});
