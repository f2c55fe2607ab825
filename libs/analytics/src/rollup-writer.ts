import type { ScanEvent } from '@signet/contracts';
import type { EventBatch } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Rollup } from './rollup.js';
import {
  addToHours,
  addToMinutes,
  advanceOffset,
  insertFolded,
  insertScans,
  lockOffset,
  type FoldedScan,
  type RecordedScan,
} from './rollup.sql.js';

/** The consumer group of the rollups; a new name would count the whole log again. */
export const ANALYTICS_GROUP = 'signet-analytics';

export interface Written {
  /** Events counted now. */
  added: number;
  /** Events that had been counted before: redelivered, or written to the log twice. */
  duplicates: number;
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
  constructor(private readonly dataSource: DataSource) {}

  async write(batch: EventBatch<ScanEvent>): Promise<Written> {
    return this.dataSource.transaction((manager) => this.writeIn(manager, batch));
  }

  private async writeIn(manager: EntityManager, batch: EventBatch<ScanEvent>): Promise<Written> {
    const { logId, topic, partition, firstOffset, nextOffset, events } = batch;
    const place = { logId, group: ANALYTICS_GROUP, topic, partition };
    const position = await lockOffset(manager, place);
    const ahead = events.filter(({ offset }) => offset >= position).map(({ event }) => event);
    const added = await this.add(manager, ahead);
    if (nextOffset > position) await advanceOffset(manager, place, nextOffset);
    return {
      added,
      duplicates: events.length - added,
      missed: firstOffset > position ? firstOffset - position : 0n,
    };
  }

  /** @returns how many of the events were new */
  private async add(manager: EntityManager, events: readonly ScanEvent[]): Promise<number> {
    const once = [...new Map(events.map((event) => [event.id.toLowerCase(), event])).values()];
    const inOrder = once.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    const scans = inOrder.filter((event): event is RecordedScan => event.type === 'scan.recorded');
    const folded = inOrder.filter((event): event is FoldedScan => event.type === 'scan.folded');
    const newScans = await insertScans(manager, scans);
    const newFolded = await insertFolded(manager, folded);

    const rollup = new Rollup();
    for (const { id, data } of scans) if (newScans.has(id.toLowerCase())) rollup.addScan(data);
    for (const { id, data } of folded) if (newFolded.has(id.toLowerCase())) rollup.addFolded(data);
    await addToMinutes(manager, rollup.minuteRows());
    await addToHours(manager, rollup.hourRows());
    return newScans.size + newFolded.size;
  }
}
