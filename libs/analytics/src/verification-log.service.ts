import type {
  ExportVerificationsQuery,
  ListVerificationsQuery,
  LoggedVerification,
  VerificationAnalytics,
  VerificationAnalyticsQuery,
} from '@signet/contracts';
import { Clock, decodeCursor, toPage } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { z } from 'zod';
import { exportRows } from './export-rows.js';
import { bucketIndex, bucketsOf, toTimeRange } from './time-range.js';
import {
  countAttempts,
  countResults,
  listVerifications,
  readFunnel,
  summariseSignIns,
  type AttemptCount,
} from './verifications.sql.js';

const CursorSchema = z.tuple([z.iso.datetime(), z.uuid()]);
const column = { accepted: 'accepted', rejected: 'rejected', step_up: 'stepUp' } as const;

/** The verifications that the log told of, as long as they are kept. */
@Injectable()
export class VerificationLog {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
  ) {}

  /** Newest first. */
  async list(
    workspaceId: string,
    { cursor, limit, ...filter }: ListVerificationsQuery,
  ): Promise<{ items: LoggedVerification[]; nextCursor: string | null }> {
    const past = decodeCursor(cursor, CursorSchema);
    const { manager } = this.dataSource;
    const found = await listVerifications(manager, { ...filter, workspaceId, past, order: 'newest', limit: limit + 1 });
    return toPage(found, limit, ({ at, id }) => [at, id]);
  }

  /** Oldest first, read a page at a time while they are taken. */
  export(
    workspaceId: string,
    { format: _format, ...filter }: ExportVerificationsQuery,
  ): AsyncGenerator<LoggedVerification[]> {
    const { manager } = this.dataSource;
    return exportRows((past, limit) =>
      listVerifications(manager, { ...filter, workspaceId, past, order: 'oldest', limit }),
    );
  }

  /** @throws SignetError `invalid-request` for a range that is empty or has too many buckets */
  analytics(workspaceId: string, query: VerificationAnalyticsQuery): Promise<VerificationAnalytics> {
    const range = toTimeRange(query, this.clock.now());
    const buckets = bucketsOf(range);
    return this.dataSource.transaction('REPEATABLE READ', async (manager) => {
      const totals = { accepted: 0, rejected: 0, stepUp: 0 };
      const series = buckets.map((at) => ({ t: new Date(at).toISOString(), accepted: 0, rejected: 0, stepUp: 0 }));
      for (const { at, result, count } of await countResults(manager, workspaceId, range)) {
        totals[column[result]] += count;
        const bucket = series[bucketIndex(buckets, at.getTime())];
        if (bucket) bucket[column[result]] += count;
      }
      const attempts = totals.accepted + totals.rejected + totals.stepUp;
      return {
        from: range.from.toISOString(),
        to: range.to.toISOString(),
        interval: range.interval,
        timeZone: range.timeZone,
        totals: { attempts, ...totals, ...(await summariseSignIns(manager, workspaceId, range)) },
        series,
        by: toBreakdown(await countAttempts(manager, workspaceId, range)),
        enrollments: await readFunnel(manager, workspaceId, range),
      };
    });
  }
}

function toBreakdown(counts: readonly AttemptCount[]): VerificationAnalytics['by'] {
  const of = (name: AttemptCount['dimension']): { value: string; count: number }[] =>
    counts.filter(({ dimension }) => dimension === name).map(({ value, count }) => ({ value, count }));
  return {
    result: of('result'),
    reason: of('reason'),
    factor: of('factor'),
    country: of('country'),
    device: of('device'),
  };
}
