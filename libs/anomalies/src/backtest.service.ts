import type { Backtest as BacktestRequest, BacktestResult } from '@signet/contracts';
import { Clock, SignetError } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Backtest, type PastEvent } from './backtest.js';
import type { Scan } from './code-profile.js';
import { DAY_MS } from './finding.js';
import { readAttempts, readScans, type HistoryPage } from './history.sql.js';
import { readStopped } from './profiles.sql.js';
import { AnomalyRulesService } from './rules.service.js';
import type { Attempt } from './subject-profile.js';

const MAX_RANGE_MS = 31 * DAY_MS;
/** What was before is learned from, as it would have been. */
const LEARNED_MS = 31 * DAY_MS;
const PAGE = 2000;
const MAX_EVENTS = 500_000;
/** A backtest takes a processor for itself. */
const AT_ONCE = 1;
const RETRY_SECONDS = 30;

/** What rules would have raised over the scans and verifications that are stored. Nothing is raised, nothing stored. */
@Injectable()
export class BacktestService {
  private running = 0;

  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly rules: AnomalyRulesService,
  ) {}

  /** @throws SignetError `invalid-request` for a range; `unavailable` while another one runs */
  async run(workspaceId: string, request: BacktestRequest): Promise<BacktestResult> {
    const range = this.rangeOf(request);
    const rules = request.rules ?? (await this.rules.get(workspaceId)).rules;
    if (this.running >= AT_ONCE)
      throw new SignetError('unavailable', { detail: 'Another backtest is running', retryAfter: RETRY_SECONDS });
    this.running += 1;
    try {
      const stopped = new Set(await readStopped(this.dataSource.manager, workspaceId));
      const backtest = new Backtest(rules, { from: range.from.getTime(), stopped });
      const learnFrom = new Date(range.from.getTime() - LEARNED_MS);
      const history = { workspaceId, from: learnFrom, to: range.to, codeIds: request.codeIds, limit: PAGE };
      const end = await this.replay(backtest, history);
      backtest.finish(end.at);
      return {
        from: range.from.toISOString(),
        to: new Date(end.at).toISOString(),
        events: backtest.events,
        complete: end.complete,
        rules: backtest.result,
        notCovered: ['guessing', 'claim_refused'],
      };
    } finally {
      this.running -= 1;
    }
  }

  private async replay(backtest: Backtest, history: HistoryPage): Promise<{ at: number; complete: boolean }> {
    let taken = 0;
    for await (const event of inOrderOfTime(this.dataSource.manager, history)) {
      backtest.take(event);
      taken += 1;
      if (taken === MAX_EVENTS) return { at: timeOf(event), complete: false };
    }
    return { at: history.to.getTime(), complete: true };
  }

  private rangeOf(request: BacktestRequest): { from: Date; to: Date } {
    const now = this.clock.now();
    const from = new Date(request.from);
    const to = request.to === undefined ? now : new Date(request.to);
    if (to.getTime() <= from.getTime()) throw outOfRange('must be after `from`');
    if (to.getTime() - from.getTime() > MAX_RANGE_MS) throw outOfRange('must be at most 31 days after `from`');
    return { from, to: to > now ? now : to };
  }
}

const timeOf = (event: PastEvent): number => ('scan' in event ? event.scan.at : event.attempt.at);

/** Both kinds as they happened, a page of each in memory. */
async function* inOrderOfTime(manager: EntityManager, history: HistoryPage): AsyncGenerator<PastEvent> {
  const scans = pagesOf<Scan>((past) => readScans(manager, { ...history, past }));
  const attempts = pagesOf<Attempt>((past) => readAttempts(manager, { ...history, past }));
  let [scan, attempt] = [await scans.next(), await attempts.next()];
  while (!scan.done || !attempt.done) {
    if (!scan.done && (attempt.done || scan.value.at <= attempt.value.at)) {
      yield { scan: scan.value };
      scan = await scans.next();
    } else if (!attempt.done) {
      yield { attempt: attempt.value };
      attempt = await attempts.next();
    }
  }
}

async function* pagesOf<Item extends { at: number; id: string }>(
  read: (past: Item | undefined) => Promise<Item[]>,
): AsyncGenerator<Item, undefined> {
  let last: Item | undefined;
  for (;;) {
    const page = await read(last);
    yield* page;
    last = page.at(-1);
    if (page.length < PAGE) return undefined;
  }
}

const outOfRange = (message: string): SignetError =>
  new SignetError('invalid-request', { detail: `to: ${message}`, errors: [{ path: 'to', message }] });
