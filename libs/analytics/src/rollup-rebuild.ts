import { ScanEventSchema, topics, type ScanEvent } from '@signet/contracts';
import { EventLog } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { takeRebuildLock } from './offsets.sql.js';
import { readRawFrom } from './raw-scans.sql.js';
import { dayWasRebuilt, readCountableScans, readDayTotal, readFoldedScans } from './rebuild.sql.js';
import { unsettle } from './label-windows.sql.js';
import { Rollup, startOfDay } from './rollup.js';
import { noteAllChanged } from './rollup-changes.sql.js';
import { clearWindows } from './rollup.sql.js';
import { addRollup, RollupWriter } from './rollup-writer.js';
import { STEP_MS } from './time-range.js';

const PAGE = 5000;

export interface RebuiltDay {
  day: Date;
  /** What the rollups of all workspaces had counted, and count now. */
  before: number;
  after: number;
}

/** Makes rollups anew from what they were made of. The numbers are the same, unless something was wrong. */
@Injectable()
export class RollupRebuild {
  constructor(
    private readonly dataSource: DataSource,
    private readonly writer: RollupWriter,
    private readonly eventLog: EventLog,
  ) {}

  /**
   * Counts the raw scans of a UTC day again, in one transaction, so that nobody ever reads half of it; counting waits.
   * @returns undefined for a day whose raw scans are no longer kept: its rollups stay as they are
   */
  async rebuildDay(at: Date): Promise<RebuiltDay | undefined> {
    const day = new Date(startOfDay(at.getTime()));
    return this.dataSource.transaction(async (manager) => {
      await takeRebuildLock(manager);
      await dayWasRebuilt(manager, day);
      if (day.getTime() < (await readRawFrom(manager))) return undefined;
      const before = await readDayTotal(manager, day);
      await recount(manager, day);
      return { day, before, after: await readDayTotal(manager, day) };
    });
  }

  /**
   * Counts what the log still has and the raw scans lack, wherever the consumer stands.
   * @param from by the log's clock
   */
  async addMissingFromLog(from: Date, to: Date): Promise<{ read: number; added: number; tooLate: number }> {
    const total = { read: 0, added: 0, tooLate: 0 };
    await this.eventLog.read({
      topic: topics.scans.name,
      from,
      to,
      onBatch: async ({ records }) => {
        const events = records.flatMap(({ value }) => readable(value));
        const { added, tooLate } = await this.writer.addMissing(events);
        total.read += records.length;
        total.added += added;
        total.tooLate += tooLate;
      },
    });
    return total;
  }
}

/** What is unreadable went to the dead-letter topic when it first came. */
function readable(value: Buffer): ScanEvent[] {
  try {
    const parsed = ScanEventSchema.safeParse(JSON.parse(value.toString()));
    return parsed.success ? [parsed.data] : [];
  } catch {
    return [];
  }
}

async function recount(manager: EntityManager, from: Date): Promise<void> {
  const to = new Date(from.getTime() + STEP_MS.day);
  // Those that will be empty are published, too.
  await noteAllChanged(manager, from, to);
  await clearWindows(manager, from, to);
  await unsettle(manager, from, to);
  const folded = new Rollup();
  for (const counts of await readFoldedScans(manager, from, to)) folded.addFolded(counts);
  await addRollup(manager, folded);
  let past: string | undefined;
  do {
    const scans = await readCountableScans(manager, { from, to, past, limit: PAGE });
    const rollup = new Rollup();
    for (const scan of scans) rollup.addScan(scan);
    await addRollup(manager, rollup);
    past = scans.length === PAGE ? scans.at(-1)?.id : undefined;
  } while (past !== undefined);
}
