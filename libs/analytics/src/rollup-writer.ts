import { INTERVALS, type ScanEvent } from '@signet/contracts';
import { Clock, type EventBatch } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { advanceOffset, lockOffset, shareRebuildLock } from './offsets.sql.js';
import { idsOfSources, insertFolded, insertScans, openDay, readRawFrom, type RecordedScan } from './raw-scans.sql.js';
import { Rollup, startOfDay } from './rollup.js';
import { noteChanged } from './rollup-changes.sql.js';
import { addToCodeDays, addWindows } from './rollup.sql.js';
import { STEP_MS } from './time-range.js';

/** The consumer group of the rollups; a new name would count the whole log again. */
export const ANALYTICS_GROUP = 'signet-analytics';
/** A day that begins later than this is no day of our clocks: its scans lie in the partition for whatever else. */
const AHEAD_MS = 2 * STEP_MS.day;

export interface Written {
  /** Events counted now. */
  added: number;
  /** Events that had been counted before: redelivered, or written to the log twice. */
  duplicates: number;
  /** Events of days whose raw scans are dropped: they can no longer be told from their twins, and are not counted. */
  tooLate: number;
  /** Records before this batch that were never handed over: the log lost them, or they went to the dead-letter topic. */
  missed: bigint;
}

/**
 * Counts each scan exactly once (architecture.md §4.6). Position, raw rows and rollups change in one transaction, so
 * a crash leaves all of it or nothing; the position's row lock lets one writer of a partition at a time through, also
 * a stale one that the group has already replaced; and only the events whose ids are new are added up.
 */
@Injectable()
export class RollupWriter {
  /** Days whose partitions are known to be there. */
  private readonly openDays = new Set<number>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
  ) {}

  async write(batch: EventBatch<ScanEvent>): Promise<Written> {
    await this.openDaysOf(batch.events.map(({ event }) => event));
    return this.dataSource.transaction((manager) => this.writeIn(manager, batch));
  }

  /**
   * Counts those of the events that have not been counted, wherever they stand in the log.
   * @returns how many were new, and how many too late
   */
  async addMissing(events: readonly ScanEvent[]): Promise<{ added: number; tooLate: number }> {
    await this.openDaysOf(events);
    return this.dataSource.transaction(async (manager) => {
      await shareRebuildLock(manager);
      return add(manager, events);
    });
  }

  private async writeIn(manager: EntityManager, batch: EventBatch<ScanEvent>): Promise<Written> {
    const { logId, topic, partition, firstOffset, nextOffset, events } = batch;
    const place = { logId, group: ANALYTICS_GROUP, topic, partition };
    await shareRebuildLock(manager);
    const position = await lockOffset(manager, place);
    const ahead = events.filter(({ offset }) => offset >= position).map(({ event }) => event);
    const { added, tooLate } = await add(manager, ahead);
    if (nextOffset > position) await advanceOffset(manager, place, nextOffset);
    return {
      added,
      tooLate,
      duplicates: events.length - added - tooLate,
      missed: firstOffset > position ? firstOffset - position : 0n,
    };
  }

  /** Before the transaction, since a partition is made under a lock that should be short. */
  private async openDaysOf(events: readonly ScanEvent[]): Promise<void> {
    const latest = this.clock.now().getTime() + AHEAD_MS;
    const days = new Set(events.map((event) => startOfDay(timeOf(event))));
    const unknown = [...days].filter((day) => !this.openDays.has(day) && day <= latest);
    if (unknown.length === 0) return;
    const { manager } = this.dataSource;
    const rawFrom = await readRawFrom(manager);
    for (const day of unknown.filter((one) => one >= Math.max(rawFrom, EARLIEST))) {
      await openDay(manager, day);
      this.openDays.add(day);
    }
  }
}

/** Before Signet was: what claims to be earlier is kept, but gets no partition of its own. */
const EARLIEST = Date.UTC(2020, 0, 1);

function timeOf(event: ScanEvent): number {
  if (event.type === 'scan.guessing') return Date.parse(event.data.to);
  return Date.parse(event.type === 'scan.recorded' ? event.data.at : event.data.hour);
}

async function add(manager: EntityManager, events: readonly ScanEvent[]): Promise<{ added: number; tooLate: number }> {
  if (events.length === 0) return { added: 0, tooLate: 0 };
  const rawFrom = await readRawFrom(manager);
  const once = [...new Map(events.map((event) => [event.id.toLowerCase(), event])).values()];
  const inTime = once.filter((event) => timeOf(event) >= rawFrom).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const scans = inTime.filter((event): event is RecordedScan => event.type === 'scan.recorded');
  const others = inTime.filter((event) => event.type !== 'scan.recorded');
  const sourceIds = await idsOfSources(manager, inTime);
  const newScans = await insertScans(manager, scans, sourceIds);
  const newFolded = await insertFolded(manager, others, sourceIds);

  const rollup = new Rollup();
  for (const { id, data } of scans) if (newScans.has(id.toLowerCase())) rollup.addScan(data);
  for (const { id, type, data } of others)
    if (type === 'scan.folded' && newFolded.has(id.toLowerCase())) rollup.addFolded(data);
  await addRollup(manager, rollup);
  return { added: newScans.size + newFolded.size, tooLate: once.length - inTime.length };
}

/** Codes first: all writers of a workspace wait for its own windows, which are then held for the shortest time. */
export async function addRollup(manager: EntityManager, rollup: Rollup): Promise<void> {
  const { codes, workspaces } = rollup.windows();
  await addToCodeDays(manager, codes.day);
  for (const interval of INTERVALS) await addWindows(manager, interval, codes[interval]);
  await noteChanged(manager, codes);
  for (const interval of INTERVALS) await addWindows(manager, interval, workspaces[interval]);
}
