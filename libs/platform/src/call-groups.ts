import { setImmediate as nextTurn } from 'node:timers/promises';

interface Waiting<Call, Answer> {
  call: Call;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

export interface CallGroupsOptions<Call, Answer> {
  /** Calls in one group; more would make the first of them wait for the last. */
  maxGroup: number;
  /** A call beyond these would wait for seconds: telling it to come back is kinder. */
  maxWaiting: number;
  /** Two calls of one name are never in one group; without it, all may be together. */
  nameOf?: (call: Call) => string;
  /** @returns the answers in the order of the calls; what it throws is every call's */
  answer: (calls: readonly Call[]) => Promise<readonly Answer[]>;
  /** What a call gets that finds too many waiting. */
  tooMany: () => Error;
}

/**
 * Group commit: calls that arrive while a group is under way wait for it and go together in the next, so a lone call never
 * waits for company; those that are handed in within one turn of the event loop are together from the start. Calls of one
 * name are answered one after the other, as they came.
 */
export class CallGroups<Call, Answer> {
  private waiting: Waiting<Call, Answer>[] = [];
  private isBusy = false;

  constructor(private readonly options: CallGroupsOptions<Call, Answer>) {}

  call(call: Call): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.waiting.length >= this.options.maxWaiting) {
        reject(this.options.tooMany());
        return;
      }
      this.waiting.push({ call, resolve, reject });
      if (!this.isBusy) void this.answerWaiting();
    });
  }

  private async answerWaiting(): Promise<void> {
    this.isBusy = true;
    while (this.waiting.length > 0) {
      // What has already come over the network goes along.
      await nextTurn();
      await this.answerGroup(this.takeGroup());
    }
    this.isBusy = false;
  }

  private takeGroup(): Waiting<Call, Answer>[] {
    const { maxGroup, nameOf } = this.options;
    const names = new Set<string>();
    const group: Waiting<Call, Answer>[] = [];
    const others: Waiting<Call, Answer>[] = [];
    for (const one of this.waiting) {
      const name = nameOf?.(one.call);
      const isFree = name === undefined || !names.has(name);
      (isFree && group.length < maxGroup ? group : others).push(one);
      if (name !== undefined) names.add(name);
    }
    this.waiting = others;
    return group;
  }

  private async answerGroup(group: readonly Waiting<Call, Answer>[]): Promise<void> {
    try {
      const answers = await this.options.answer(group.map(({ call }) => call));
      if (answers.length !== group.length) throw new Error('a call has no answer');
      for (const [index, answer] of answers.entries()) group[index]?.resolve(answer);
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }
}
