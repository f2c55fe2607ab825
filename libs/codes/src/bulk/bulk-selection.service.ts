import { Quotas } from '@signet/access';
import {
  MAX_BULK_ROWS,
  type BulkRevoked,
  type BulkSelection,
  type BulkUpdated,
  type InputOf,
  type OperationName,
} from '@signet/contracts';
import { Clock, toRowProblem, type Caller } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { findIds, type SearchPosition } from '../search/search.sql.js';
import { BATCH_ROWS } from './batches.js';
import { BulkRuns } from './bulk-runs.js';
import { BulkTransactions } from './bulk-transactions.js';
import { awaitTurns, type BulkRun } from './bulk.sql.js';
import { CodeBatch } from './code-batch.js';
import { planEdit, type PlannedChange } from './planned-row.js';
import { tooMany } from './planned-rows.js';

/** Codes that are refused are named up to here. */
const MAX_ERRORS = 100;

type Totals = Omit<BulkRevoked, 'revoked' | 'propagation'> & { changed: number };

/** The codes of a call that one transaction changes, and where to go on. */
interface Step extends Totals {
  /** Of the ids, or codes that matched. */
  rows: number;
  changedIds: string[];
  last: SearchPosition | null;
  isLast: boolean;
}

interface Selected {
  caller: Caller;
  operation: OperationName;
  key: string | undefined;
  request: BulkSelection;
  isDryRun: boolean;
  plan: (id: string) => PlannedChange;
}

/** Changes codes alike that are named by ids, or that match a filter. */
@Injectable()
export class BulkSelectionService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly quotas: Quotas,
    private readonly transactions: BulkTransactions,
    private readonly runs: BulkRuns,
    private readonly batch: CodeBatch,
  ) {}

  /**
   * Goes on to the end when the caller hangs up. The same call with the same key adds what is missing, and answers the
   * whole.
   * @throws SignetError `quota-exceeded` before anything is done, when more match than one call may change
   */
  async revoke(
    caller: Caller,
    key: string | undefined,
    { body, query }: InputOf<'bulkRevokeCodes'>,
  ): Promise<BulkRevoked> {
    const plan = (id: string): PlannedChange => ({ kind: 'move', id, action: 'revoke', reason: body.reason });
    const selected = {
      caller,
      operation: 'bulkRevokeCodes' as const,
      key,
      request: body,
      isDryRun: query.dryRun,
      plan,
    };
    const { changed, ...totals } = await this.changeAll(selected);
    return { revoked: changed, ...totals };
  }

  /** @throws SignetError as `revoke` */
  async update(
    caller: Caller,
    key: string | undefined,
    { body, query }: InputOf<'bulkUpdateCodes'>,
  ): Promise<BulkUpdated> {
    const { set = {}, addTags, removeTags } = body;
    const edit = await planEdit({ id: '', body: set, retag: { addTags, removeTags } });
    const plan = (id: string): PlannedChange => ({ ...edit, id });
    const selected = {
      caller,
      operation: 'bulkUpdateCodes' as const,
      key,
      request: body,
      isDryRun: query.dryRun,
      plan,
    };
    const { changed, ...totals } = await this.changeAll(selected);
    return { updated: changed, ...totals };
  }

  private async changeAll(selected: Selected): Promise<Totals & Pick<BulkRevoked, 'propagation'>> {
    const { caller, operation, key, isDryRun } = selected;
    const run = isDryRun ? undefined : await this.runs.open(caller, operation, key);
    const at = this.clock.now();
    const totals: Totals = { matched: 0, changed: 0, unchanged: 0, failed: 0, errors: [] };
    let propagation: BulkRevoked['propagation'] = 'effective';
    let place: Place = { rows: 0, last: null };
    for (;;) {
      const from = place;
      const step = await this.transactions.run(isDryRun, (manager) => this.step(manager, selected, { run, at, from }));
      if (!isDryRun && step.changedIds.length > 0) {
        const told = await this.transactions.propagate(step.changedIds.map((id) => ({ id })));
        if (told === 'pending') propagation = 'pending';
      }
      add(totals, step);
      if (step.isLast) return { ...totals, propagation };
      place = { rows: place.rows + step.rows, last: step.last };
    }
  }

  private step(manager: EntityManager, selected: Selected, { run, at, from }: Stepping): Promise<Step> {
    const { caller, request, plan } = selected;
    return this.runs.once(manager, { run, firstRow: from.rows, request }, async () => {
      const found = await this.find(manager, selected, { at, from });
      const ids = found.map(({ id }) => id);
      await awaitTurns(manager, ids);
      const outcomes = await this.batch.change(manager, caller, ids.map(plan));
      const errors = outcomes.flatMap((outcome, place) =>
        'error' in outcome ? [{ id: ids[place] ?? '', error: outcome.error }] : [],
      );
      const changedIds = outcomes.flatMap((outcome) =>
        'error' in outcome || outcome.status === 'unchanged' ? [] : [outcome.code.id],
      );
      return {
        rows: ids.length,
        matched: ids.length - errors.filter(({ error }) => error.kind === 'not-found').length,
        changed: changedIds.length,
        unchanged: ids.length - errors.length - changedIds.length,
        failed: errors.length,
        errors: errors.slice(0, MAX_ERRORS).map(({ id, error }) => ({ id, problem: toRowProblem(error) })),
        changedIds,
        last: found.at(-1) ?? null,
        isLast: ids.length < BATCH_ROWS,
      };
    });
  }

  /** Behind `from`; of an order that no change of codes changes, so that none is met twice or passed over. */
  private async find(
    manager: EntityManager,
    { caller, request }: Selected,
    { at, from }: Pick<Stepping, 'at' | 'from'>,
  ): Promise<SearchPosition[]> {
    const limit = (await this.quotas.bulkRowsOf(manager, caller.workspaceId)) ?? MAX_BULK_ROWS;
    const { ids, filter = {} } = request;
    const search = { workspaceId: caller.workspaceId, filter, at, after: from.last ?? undefined };
    if (from.rows === 0) {
      const count = ids ? new Set(ids).size : (await findIds(manager, search, limit + 1)).length;
      if (count > limit) throw tooMany(limit);
    }
    if (!ids) return findIds(manager, search, BATCH_ROWS);
    return [...new Set(ids)].slice(from.rows, from.rows + BATCH_ROWS).map((id) => ({ id, key: '' }));
  }
}

interface Place {
  rows: number;
  last: SearchPosition | null;
}
interface Stepping {
  run: BulkRun | undefined;
  at: Date;
  from: Place;
}

function add(totals: Totals, step: Step): void {
  totals.matched += step.matched;
  totals.changed += step.changed;
  totals.unchanged += step.unchanged;
  totals.failed += step.failed;
  totals.errors.push(...step.errors.slice(0, MAX_ERRORS - totals.errors.length));
}
