import type { Code, Propagation } from '@signet/contracts';
import { isDeadlock, OutboxRelay, Slots } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { CodePropagation } from '../code-propagation.js';

/** Two keep PostgreSQL busy; with more, other calls would wait for connections. */
const slots = new Slots({ parallel: 2, waiting: 100 });
/** Transactions that want the same slugs in another order can end in a deadlock, of which PostgreSQL ends one. */
const TRIES = 3;

/** How bulk calls change codes: some hundred a transaction, then to `CodeState`, before anybody is told of them. */
@Injectable()
export class BulkTransactions {
  constructor(
    private readonly dataSource: DataSource,
    private readonly outbox: OutboxRelay,
    private readonly propagation: CodePropagation,
  ) {}

  /** @param isDryRun whether everything is rolled back after `work` */
  run<Result>(isDryRun: boolean, work: (manager: EntityManager) => Promise<Result>): Promise<Result> {
    return slots.run(() => (isDryRun ? this.rehearse(work) : this.commit(work)));
  }

  /** @returns the propagation of codes whose change has committed */
  propagate(codes: readonly Pick<Code, 'id'>[]): Promise<Propagation> {
    return this.propagation.propagate([...new Set(codes.map(({ id }) => id))]);
  }

  private async commit<Result>(work: (manager: EntityManager) => Promise<Result>, tries = 1): Promise<Result> {
    try {
      const result = await this.dataSource.transaction(work);
      this.outbox.wake();
      return result;
    } catch (error) {
      if (tries === TRIES || !isDeadlock(error)) throw error;
      return this.commit(work, tries + 1);
    }
  }

  private async rehearse<Result>(work: (manager: EntityManager) => Promise<Result>): Promise<Result> {
    const rehearsed: { result?: Result } = {};
    const over = new Error('the rehearsal is over');
    await this.dataSource
      .transaction(async (manager) => {
        rehearsed.result = await work(manager);
        throw over;
      })
      .catch((error: unknown) => {
        if (error !== over) throw error;
      });
    // oxlint-disable-next-line typescript/no-non-null-assertion -- `work` has ended
    return rehearsed.result!;
  }
}
