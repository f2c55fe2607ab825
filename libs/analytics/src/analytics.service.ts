import { codeBelongsTo, type Labels } from '@signet/codes';
import {
  type AnalyticsQuery,
  type CodeAnalytics,
  type Dimension,
  type Overview,
  type OverviewQuery,
} from '@signet/contracts';
import { Clock, SignetError } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import {
  readBreakdown,
  readCounts,
  readVisitors,
  type BucketCounts,
  type ValueCount,
  type WindowVisitors,
} from './analytics.sql.js';
import { coverOf, LabelledCodes, type Cover } from './label-cover.js';
import { readRawFrom } from './raw-scans.sql.js';
import {
  bucketIndex,
  bucketsOf,
  ceil,
  coverRange,
  coverWhole,
  floor,
  rangeBefore,
  STEP_MS,
  toTimeRange,
  type TimeRange,
} from './time-range.js';
import { findTopCodes } from './top-codes.js';
import { VisitorSketch } from './visitor-sketch.js';

/** The visitors of more codes are not told apart: each window of each code would have to be read. */
const MAX_CODES_OF_UNIQUES = 2000;
/** More codes are not added up one by one. */
const MAX_CODES = 100_000;

/** What was counted of a workspace's codes. */
@Injectable()
export class AnalyticsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
  ) {}

  /**
   * The scans of a code in a range of whole minutes, in buckets, empty ones too. A visitor is known by a hash whose salt
   * changes with the UTC day: `uniques` of more than a day is the sum of its days' uniques.
   * @throws SignetError `not-found` | `invalid-request` for a range that is empty or has too many buckets
   */
  codeAnalytics(workspaceId: string, codeId: string, query: AnalyticsQuery): Promise<CodeAnalytics> {
    const range = toTimeRange(query, this.clock.now());
    return this.inOneSnapshot(async (manager) => {
      if (!(await codeBelongsTo(manager, workspaceId, codeId))) throw new SignetError('not-found');
      return readAnalytics(manager, { cover: coverOf(workspaceId, [codeId]), range, ...query });
    });
  }

  /**
   * As `codeAnalytics`, of all codes of a workspace or of those that have the labels today.
   * @throws SignetError `invalid-request`, also when more than MAX_CODES codes have them
   */
  overview(workspaceId: string, { top, ...query }: OverviewQuery): Promise<Overview> {
    const range = toTimeRange(query, this.clock.now());
    return this.inOneSnapshot(async (manager) => {
      const codes = await labelledCodes(manager, workspaceId, query);
      const labelled = codes && { codes, cover: await codes.cover() };
      const cover = labelled?.cover ?? coverOf(workspaceId, [workspaceId]);
      const analytics = await readAnalytics(manager, { cover, codes: codes?.count, range, ...query });
      // Each code's minutes are not looked through: whole hours have to do.
      const hours = {
        from: new Date(floor(range.from.getTime(), STEP_MS.hour)),
        to: new Date(ceil(range.to.getTime(), STEP_MS.hour)),
      };
      const pieces = coverWhole(hours, Infinity);
      return { ...analytics, topCodes: await findTopCodes(manager, { workspaceId, labelled, pieces, top }) };
    });
  }

  /** So that totals, series and breakdown tell of the same scans. */
  private inOneSnapshot<Answer>(read: (manager: EntityManager) => Promise<Answer>): Promise<Answer> {
    return this.dataSource.transaction('REPEATABLE READ', async (manager) => {
      // Processes of their own take longer to begin than what they are begun for.
      await manager.query('SET LOCAL max_parallel_workers_per_gather = 0');
      return read(manager);
    });
  }
}

/** @returns undefined when the whole workspace is asked for */
async function labelledCodes(
  manager: EntityManager,
  workspaceId: string,
  { tag, folder, campaign, domain }: Labels,
): Promise<LabelledCodes | undefined> {
  const labels = { tag, folder, campaign, domain };
  if (Object.values(labels).every((label) => label === undefined)) return undefined;
  const codes = await LabelledCodes.count(manager, workspaceId, labels);
  if (codes.count <= MAX_CODES) return codes;
  const [path] = Object.entries(labels).flatMap(([name, label]) => (label === undefined ? [] : [`query.${name}`]));
  const message = `matches more than ${MAX_CODES} codes; narrow it, or ask for the whole workspace`;
  throw new SignetError('invalid-request', {
    detail: `${path}: ${message}`,
    errors: [{ path: path ?? 'query', message }],
  });
}

interface Question {
  cover: Cover;
  /** How many are added up; undefined: one code or a workspace, which have windows of their own. */
  codes?: number;
  range: TimeRange;
  compare?: AnalyticsQuery['compare'];
}

async function readAnalytics(manager: EntityManager, question: Question): Promise<CodeAnalytics> {
  const { cover, range, compare } = question;
  const minutesFrom = await readRawFrom(manager);
  const { interval, timeZone } = range;
  const breakdown = await readBreakdown(manager, await cover(coverWhole(range, minutesFrom)));
  return {
    ...(await readSeries(manager, question, minutesFrom)),
    interval,
    timeZone,
    by: toBreakdown(breakdown),
    ...(compare && { previous: await readSeries(manager, { ...question, range: rangeBefore(range) }, minutesFrom) }),
  };
}

async function readSeries(
  manager: EntityManager,
  { cover, codes = 1, range }: Question,
  minutesFrom: number,
): Promise<Pick<CodeAnalytics, 'from' | 'to' | 'totals' | 'series'>> {
  const windows = await cover(coverRange(range, minutesFrom));
  const buckets = bucketsOf(range);
  const visited = codes > MAX_CODES_OF_UNIQUES ? undefined : await readVisitors(manager, windows);
  const counts = visited ?? (await readCounts(manager, windows));
  const scans = buckets.map(() => 0);
  for (const { at, scans: count } of counts) {
    const index = bucketIndex(buckets, at.getTime());
    scans[index] = (scans[index] ?? 0) + count;
  }
  const visitors = visited && countVisitors(visited, buckets);
  return {
    from: range.from.toISOString(),
    to: range.to.toISOString(),
    totals: { ...toTotals(counts), uniques: visitors?.total ?? null },
    series: buckets.map((at, index) => ({
      t: new Date(at).toISOString(),
      scans: scans[index] ?? 0,
      uniques: visitors ? (visitors.of[index] ?? 0) : null,
    })),
  };
}

function countVisitors(
  windows: readonly WindowVisitors[],
  buckets: readonly number[],
): { total: number; of: number[] } {
  const sketches = new Map<number, VisitorSketch>();
  for (const { at, visitors } of windows) {
    const index = bucketIndex(buckets, at.getTime());
    const known = sketches.get(index);
    if (known) known.merge(visitors);
    else sketches.set(index, visitors);
  }
  const total = new VisitorSketch();
  for (const visitors of sketches.values()) total.merge(visitors);
  return { total: total.count(), of: buckets.map((_, index) => sketches.get(index)?.count() ?? 0) };
}

function toTotals(counts: readonly BucketCounts[]): Omit<CodeAnalytics['totals'], 'uniques'> {
  const sum = (column: 'scans' | 'bots' | 'refused'): number =>
    counts.reduce((total, bucket) => total + bucket[column], 0);
  return { scans: sum('scans'), bots: sum('bots'), refused: sum('refused') };
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
    target: of('target'),
  };
}
