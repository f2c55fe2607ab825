import { isTransient, SignetError } from '@signet/platform';
import type { Verification } from '@signet/contracts';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { nameOf } from './attempt.js';
import { GroupDecision, type AskedAttempt, type Outcome } from './group-decision.js';

/** Attempts in one transaction; more would make the first of them wait for the last. */
const MAX_GROUP = 100;
/** An attempt beyond these would wait for seconds: telling it to come back is kinder. */
const MAX_WAITING = 10_000;

interface Waiting {
  asked: AskedAttempt;
  resolve: (answer: Verification) => void;
  reject: (error: unknown) => void;
}

/**
 * Attempts that arrive while a transaction is under way wait for it and are decided together in the next, so a lone
 * attempt never waits for company. Each subject is in a group once: attempts of one subject are decided one after the
 * other, as they came.
 */
@Injectable()
export class AttemptGroups {
  private waiting: Waiting[] = [];
  private deciding = false;

  constructor(
    private readonly dataSource: DataSource,
    private readonly decision: GroupDecision,
  ) {}

  /** @throws SignetError as `GroupDecision`; `unavailable` when too many wait */
  decide(asked: AskedAttempt): Promise<Verification> {
    return new Promise((resolve, reject) => {
      if (this.waiting.length >= MAX_WAITING) {
        reject(new SignetError('unavailable'));
        return;
      }
      this.waiting.push({ asked, resolve, reject });
      if (!this.deciding) void this.decideWaiting();
    });
  }

  private async decideWaiting(): Promise<void> {
    this.deciding = true;
    while (this.waiting.length > 0) await this.decideGroup(this.takeGroup());
    this.deciding = false;
  }

  private takeGroup(): Waiting[] {
    const names = new Set<string>();
    const group: Waiting[] = [];
    const others: Waiting[] = [];
    for (const waiting of this.waiting) {
      const { workspaceId, subject } = nameOf(waiting.asked.attempt);
      const name = `${workspaceId} ${subject}`;
      const isTaken = group.length < MAX_GROUP && !names.has(name);
      names.add(name);
      (isTaken ? group : others).push(waiting);
    }
    this.waiting = others;
    return group;
  }

  /** An attempt that cannot be decided must not take the others with it: then each is decided alone. */
  private async decideGroup(group: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await this.dataSource.transaction((manager) =>
        this.decision.decide(
          manager,
          group.map(({ asked }) => asked),
        ),
      );
      for (const [index, outcome] of outcomes.entries()) tell(group[index], outcome);
    } catch (error) {
      if (group.length === 1 || isOfAll(error)) for (const one of group) one.reject(error);
      else for (const one of group) await this.decideGroup([one]);
    }
  }
}

/** Whether it is the database that failed; a deadlock is the matter of those who met in it. */
const isOfAll = (error: unknown): boolean => isTransient(error) && !/deadlock/i.test(String(error));

function tell(waiting: Waiting | undefined, outcome: Outcome): void {
  if ('answer' in outcome) waiting?.resolve(outcome.answer);
  else waiting?.reject(outcome.error);
}
