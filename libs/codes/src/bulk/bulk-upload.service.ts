import { MAX_ATOMIC_CHANGES, type BulkQuery, type BulkResult } from '@signet/contracts';
import {
  LOGGER,
  logFailure,
  SignetError,
  toRowProblem,
  toSignetError,
  type Caller,
  type Logger,
} from '@signet/platform';
import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { ahead } from './ahead.js';
import { batchesOf, workOf, type Batch, type Row } from './batches.js';
import { BulkRuns, pack, unpack } from './bulk-runs.js';
import { BulkTransactions } from './bulk-transactions.js';
import { awaitTurns, type BulkRun } from './bulk.sql.js';
import { CodeBatch, DryRun, type Outcome } from './code-batch.js';

/** What a refused atomic upload names of its errors. */
const MAX_REFUSALS = 1000;

export interface Upload {
  query: BulkQuery;
  /** `Idempotency-Key`; a dry run has none. */
  key: string | undefined;
  rows: AsyncIterable<Row>;
}
interface Doing {
  query: BulkQuery;
  run: BulkRun | undefined;
  dryRun: DryRun | undefined;
}

/** Issues and changes codes as the rows of an upload say, and answers each row. */
@Injectable()
export class BulkUploadService {
  constructor(
    private readonly transactions: BulkTransactions,
    private readonly runs: BulkRuns,
    private readonly batch: CodeBatch,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Does the rows in their order while they arrive, so that their number does not matter to memory. A row that is refused
   * keeps no other from being done, unless the upload is atomic. When more than a row fails, the rows from there on are
   * answered with that, untried; the same call with the same key does them later.
   * @returns the results, a batch at a time; the connection's failure ends them, and leaves out what is not a whole batch
   * @throws SignetError before the first of them: `bulk-refused` | `idempotency-conflict` | `unavailable`
   */
  async *upload(caller: Caller, { query, key, rows }: Upload): AsyncGenerator<BulkResult[]> {
    const run = query.dryRun ? undefined : await this.runs.open(caller, 'bulkCodes', key);
    if (query.atomic) yield* this.allOrNothing(caller, rows, { query, run, dryRun: undefined });
    else yield* this.oneByOne(caller, rows, { query, run, dryRun: query.dryRun ? new DryRun() : undefined });
  }

  private async *oneByOne(caller: Caller, rows: AsyncIterable<Row>, doing: Doing): AsyncGenerator<BulkResult[]> {
    for await (const results of ahead(this.commitAll(caller, rows, doing))) yield await this.propagated(results);
  }

  /** Results of what has committed, and of what is refused. */
  private async *commitAll(caller: Caller, rows: AsyncIterable<Row>, doing: Doing): AsyncGenerator<BulkResult[]> {
    let failure: SignetError | undefined;
    for await (const batch of ahead(batchesOf(rows))) {
      const results = failure ?? (await this.attempt(caller, batch, doing));
      if (!(results instanceof SignetError)) yield results;
      else if (batch.firstRow === 0) throw results;
      else yield batch.rows.map(({ index }) => refused(index, results));
      if (results instanceof SignetError) failure = results;
    }
  }

  /** @returns the results, or what fails the batch and those after it */
  private async attempt(caller: Caller, batch: Batch, doing: Doing): Promise<BulkResult[] | SignetError> {
    try {
      return await this.transactions.run(doing.query.dryRun, async (manager) => {
        await awaitTurns(manager, idsOf(batch));
        return this.doOnce(manager, caller, { batch, ...doing });
      });
    } catch (thrown) {
      const error = toSignetError(thrown);
      if (batch.firstRow > 0) logFailure(this.logger, error, caller.requestId);
      return error;
    }
  }

  /** Reads everything first: a transaction that waits for somebody's network would keep every event of Signet waiting. */
  private async *allOrNothing(caller: Caller, rows: AsyncIterable<Row>, doing: Doing): AsyncGenerator<BulkResult[]> {
    const ids = new Set<string>();
    const packed: Buffer[] = [];
    const refusals = new Refusals();
    for await (const batch of batchesOf(rows)) {
      for (const { index, planned } of batch.rows) if ('error' in planned) refusals.add(index, planned.error);
      for (const id of idsOf(batch)) ids.add(id);
      packed.push(await pack(batch));
    }
    if (ids.size > MAX_ATOMIC_CHANGES)
      throw new SignetError('invalid-request', {
        detail: `An atomic upload changes at most ${MAX_ATOMIC_CHANGES} codes that are there, this one ${ids.size}`,
      });
    refusals.throwAny();
    const answers = await this.transactions.run(doing.query.dryRun, async (manager) => {
      await awaitTurns(manager, [...ids]);
      const done: Buffer[] = [];
      for (const bytes of packed) {
        const batch: Batch = JSON.parse(await unpack(bytes));
        const results = await this.doOnce(manager, caller, { batch, ...doing });
        for (const { index, problem } of results) if (problem) refusals.addProblem(index, problem);
        done.push(await pack(results));
      }
      refusals.throwAny();
      return done;
    });
    for (const bytes of answers) {
      const results: BulkResult[] = JSON.parse(await unpack(bytes));
      yield await this.propagated(results);
    }
  }

  /** @param manager of a transaction that has the turns of the codes */
  private doOnce(
    manager: EntityManager,
    caller: Caller,
    { batch, query, run, dryRun }: Doing & { batch: Batch },
  ): Promise<BulkResult[]> {
    const request = [query, batch.rows.map(({ said }) => said)];
    return this.runs.once(manager, { run, firstRow: batch.firstRow, request }, async () => {
      const { issues, changes } = workOf(batch);
      const outcomes = [
        ...(issues.length > 0 ? await this.batch.issue(manager, caller, issues, dryRun) : []),
        ...(changes.length > 0 ? await this.batch.change(manager, caller, changes, dryRun) : []),
      ];
      const next = outcomes.values();
      return batch.rows.map(({ index, planned }) => {
        if ('error' in planned) return refused(index, planned.error);
        return resultOf(index, next.next().value, query.dryRun);
      });
    });
  }

  /** The results with what every redirect knows by now. */
  private async propagated(results: BulkResult[]): Promise<BulkResult[]> {
    const changed = results.flatMap(({ status, code }) => (code && status !== 'unchanged' ? [code] : []));
    if (changed.length === 0) return results;
    const propagation = await this.transactions.propagate(changed);
    return results.map((result) =>
      result.code && result.status !== 'unchanged' ? { ...result, code: { ...result.code, propagation } } : result,
    );
  }
}

/** Why an atomic upload is refused, in the order of its rows. */
class Refusals {
  private readonly errors: { index: number; path: string; message: string }[] = [];
  private count = 0;

  add(index: number, error: SignetError): void {
    this.addProblem(index, toRowProblem(error));
  }

  addProblem(index: number, { detail, title, errors }: NonNullable<BulkResult['problem']>): void {
    this.count += 1;
    const named = errors ?? [{ path: '', message: detail ?? title }];
    if (this.errors.length < MAX_REFUSALS)
      this.errors.push(...named.map(({ path, message }) => ({ index, path, message })));
  }

  /** @throws SignetError `bulk-refused` when there are any */
  throwAny(): void {
    if (this.count === 0) return;
    throw new SignetError('bulk-refused', { detail: `${this.count} rows are refused`, errors: this.errors });
  }
}

const idsOf = ({ rows }: Batch): string[] => rows.flatMap(({ planned }) => ('id' in planned ? [planned.id] : []));

function resultOf(index: number, outcome: Outcome | undefined, isDryRun: boolean): BulkResult {
  if (outcome === undefined) throw new Error('a row has no outcome');
  if ('error' in outcome) return refused(index, outcome.error);
  const { status, code, changes } = outcome;
  return isDryRun ? { index, status, changes } : { index, status, code };
}

const refused = (index: number, error: SignetError): BulkResult => ({
  index,
  status: 'error',
  problem: toRowProblem(error),
});
