import { topics, type Reconciliation, type ReconcileQuery } from '@signet/contracts';
import { Clock, EventLog, SignetError } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { readRawFrom } from './raw-scans.sql.js';
import { readHours } from './reconciliation.sql.js';
import { ANALYTICS_GROUP } from './rollup-writer.js';
import { ceil, floor, STEP_MS } from './time-range.js';

const MAX_DAYS = 7;

/** Whether what was journaled, what is in the raw log and what was counted are the same. */
@Injectable()
export class ReconciliationService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly eventLog: EventLog,
  ) {}

  /**
   * Whole hours, the last 24 by default, as far back as raw scans are kept; at most MAX_DAYS days.
   * @throws SignetError `invalid-request` for a range that is empty or longer
   */
  async reconcile(workspaceId: string, query: ReconcileQuery): Promise<Reconciliation> {
    const end = query.to === undefined ? this.clock.now().getTime() : Date.parse(query.to);
    const start = query.from === undefined ? end - STEP_MS.day : Date.parse(query.from);
    if (start >= end) throw invalid('must be before to');
    const [from, to] = [floor(start, STEP_MS.hour), ceil(end, STEP_MS.hour)];
    // An hour more, for a range that begins and ends within hours.
    if (to - from > MAX_DAYS * STEP_MS.day + STEP_MS.hour) throw invalid(`is more than ${MAX_DAYS} days before to`);
    const lag = await this.lag();
    const { keptFrom, hours } = await this.dataSource.transaction('REPEATABLE READ', async (manager) => {
      const first = new Date(Math.max(from, await readRawFrom(manager)));
      return { keptFrom: first, hours: await readHours(manager, { workspaceId, from: first, to: new Date(to) }) };
    });
    const judged = hours.map(({ t, ...counts }) => {
      const { missing, raw, codes, workspace, minutes } = counts;
      const ok = missing === 0 && [codes, workspace, minutes].every((count) => count === raw);
      return { t: t.toISOString(), ok, ...counts };
    });
    return {
      from: keptFrom.toISOString(),
      to: new Date(to).toISOString(),
      ok: judged.every(({ ok }) => ok),
      lag,
      hours: judged,
    };
  }

  private async lag(): Promise<number | null> {
    try {
      const partitions = await this.eventLog.lag(ANALYTICS_GROUP, [topics.scans.name]);
      return partitions.reduce((sum, { lag }) => sum + lag, 0);
    } catch {
      return null;
    }
  }
}

function invalid(message: string): SignetError {
  return new SignetError('invalid-request', {
    detail: `query.from: ${message}`,
    errors: [{ path: 'query.from', message }],
  });
}
