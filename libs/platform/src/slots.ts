import { SignetError } from './errors.js';

/** Lets some pieces of work run at once and keeps the others waiting, as they came; more than that are turned away. */
export class Slots {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly limits: { parallel: number; waiting: number }) {}

  /** @throws SignetError `unavailable` when too many wait already; whatever `work` throws */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    await this.enter();
    try {
      return await work();
    } finally {
      this.leave();
    }
  }

  private async enter(): Promise<void> {
    if (this.running < this.limits.parallel) {
      this.running += 1;
      return;
    }
    if (this.waiting.length >= this.limits.waiting) throw new SignetError('unavailable');
    await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /** The slot goes to the next one without becoming free, so that nobody who comes just now can take it. */
  private leave(): void {
    const next = this.waiting.shift();
    if (next) next();
    else this.running -= 1;
  }
}
