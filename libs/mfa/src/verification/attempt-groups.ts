import type { Verification } from '@signet/contracts';
import { CallGroups, isDeadlock, isTransient, SignetError } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { nameOf } from './attempt.js';
import { GroupDecision, type AskedAttempt, type Outcome } from './group-decision.js';

/** Attempts in one transaction. */
const MAX_GROUP = 100;
const MAX_WAITING = 10_000;

/**
 * Attempts that arrive while a transaction is under way are decided together in the next. Each subject is in a group once:
 * attempts of one subject are decided one after the other, as they came.
 */
@Injectable()
export class AttemptGroups {
  private readonly groups = new CallGroups<AskedAttempt, Outcome>({
    maxGroup: MAX_GROUP,
    maxWaiting: MAX_WAITING,
    nameOf: ({ attempt }) => {
      const { workspaceId, subject } = nameOf(attempt);
      return `${workspaceId} ${subject}`;
    },
    answer: (group) => this.decideGroup(group),
    tooMany: () => new SignetError('unavailable'),
  });

  constructor(
    private readonly dataSource: DataSource,
    private readonly decision: GroupDecision,
  ) {}

  /** @throws SignetError as `GroupDecision`; `unavailable` when too many wait */
  async decide(asked: AskedAttempt): Promise<Verification> {
    const outcome = await this.groups.call(asked);
    if ('error' in outcome) throw outcome.error;
    return outcome.answer;
  }

  /** An attempt that cannot be decided must not take the others with it: then each is decided alone. */
  private async decideGroup(group: readonly AskedAttempt[]): Promise<Outcome[]> {
    try {
      return await this.dataSource.transaction((manager) => this.decision.decide(manager, group));
    } catch (error) {
      if (group.length === 1 || isOfAll(error)) throw error;
      const outcomes: Outcome[] = [];
      for (const asked of group)
        outcomes.push(...(await this.decideGroup([asked]).catch((own: unknown) => [{ error: own }])));
      return outcomes;
    }
  }
}

/** Whether it is the database that failed; a deadlock is the matter of those who met in it. */
const isOfAll = (error: unknown): boolean => isTransient(error) && !isDeadlock(error);
