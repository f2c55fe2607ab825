import { codeBelongsTo } from '@signet/codes';
import type { AnalyticsQuery, CodeAnalytics, Dimension, ListScansQuery, Scan } from '@signet/contracts';
import { Clock, decodeCursor, SignetError, toPage } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { z } from 'zod';
import {
  listScans,
  readBreakdown,
  readCounts,
  readUniques,
  type BucketCounts,
  type Uniques,
  type ValueCount,
} from './analytics.sql.js';
import { bucketsOf, toTimeRange, type TimeRange } from './time-range.js';

const ScanCursorSchema = z.tuple([z.iso.datetime(), z.uuid()]);

/** What was counted of a workspace's codes. */
@Injectable()
export class AnalyticsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
  ) {}

  /**
   * The scans of a code in a range of whole minutes, in buckets aligned to UTC, empty ones too. A visitor is known by a
   * hash whose salt changes with the UTC day: `uniques` of more than a day is the sum of its days' uniques.
   * @throws SignetError `not-found` | `invalid-request` for a range that is empty or has too many buckets
   */
  codeAnalytics(workspaceId: string, codeId: string, query: AnalyticsQuery): Promise<CodeAnalytics> {
    const range = toTimeRange(query, this.clock.now());
    // One snapshot, so that totals, series and breakdown tell of the same scans.
    return this.dataSource.transaction('REPEATABLE READ', (manager) => answer(manager, workspaceId, codeId, range));
  }

  /** The raw log, newest first. */
  async listScans(
    workspaceId: string,
    { cursor, limit, ...filter }: ListScansQuery,
  ): Promise<{ items: Scan[]; nextCursor: string | null }> {
    const before = decodeCursor(cursor, ScanCursorSchema);
    const scans = await listScans(this.dataSource.manager, { ...filter, workspaceId, before, limit: limit + 1 });
    return toPage(scans, limit, ({ at, id }) => [at, id]);
  }
}

async function answer(
  manager: EntityManager,
  workspaceId: string,
  codeId: string,
  range: TimeRange,
): Promise<CodeAnalytics> {
  if (!(await codeBelongsTo(manager, workspaceId, codeId))) throw new SignetError('not-found');
  const counts = await readCounts(manager, codeId, range);
  const uniques = await readUniques(manager, codeId, range);
  const breakdown = await readBreakdown(manager, codeId, range);
  return { totals: toTotals(counts, uniques), series: toSeries(range, counts, uniques), by: toBreakdown(breakdown) };
}

function toTotals(counts: readonly BucketCounts[], uniques: readonly Uniques[]): CodeAnalytics['totals'] {
  const sum = (column: 'scans' | 'bots' | 'refused'): number =>
    counts.reduce((total, bucket) => total + bucket[column], 0);
  return {
    scans: sum('scans'),
    uniques: uniques.find(({ t }) => t === null)?.uniques ?? 0,
    bots: sum('bots'),
    refused: sum('refused'),
  };
}

function toSeries(
  range: TimeRange,
  counts: readonly BucketCounts[],
  uniques: readonly Uniques[],
): CodeAnalytics['series'] {
  const scansAt = new Map(counts.map(({ t, scans }) => [t.toISOString(), scans]));
  const uniquesAt = new Map(uniques.map(({ t, uniques: visitors }) => [t?.toISOString(), visitors]));
  return bucketsOf(range).map((t) => ({ t, scans: scansAt.get(t) ?? 0, uniques: uniquesAt.get(t) ?? 0 }));
}

function toBreakdown(counts: readonly ValueCount[]): CodeAnalytics['by'] {
  const of = (name: Dimension): { value: string; scans: number }[] =>
    counts.filter(({ dimension }) => dimension === name).map(({ value, scans }) => ({ value, scans }));
  return {
    outcome: of('outcome'),
    country: of('country'),
    city: of('city'),
    device: of('device'),
    os: of('os'),
    browser: of('browser'),
    language: of('language'),
    referrer: of('referrer'),
  };
}
