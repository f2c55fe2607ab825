import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff } from './backoff.js';
import type { Logger } from './logging.js';

export interface BackgroundLoopOptions {
  /** What is said when a step fails: the loop goes on. */
  failure: string;
  /** @returns whether there may be more to do at once */
  step: () => Promise<boolean>;
  idleMilliseconds: number;
  /** The least pause when there is no more, also for who wakes the loop: woken often, it does more at a time. */
  restMilliseconds?: number;
  /** The longest wait after failures; the first is half a second. */
  maxWaitMilliseconds?: number;
  logger: Logger;
}

/**
 * Does something again and again until it is stopped: at once while there is more, after a pause when there is not or
 * when somebody wakes it, and after an ever longer wait when it fails.
 */
export class BackgroundLoop {
  private readonly backoff: Backoff;
  private stopping = false;
  private running?: Promise<void>;

  constructor(private readonly options: BackgroundLoopOptions) {
    this.backoff = new Backoff({ minMilliseconds: 500, maxMilliseconds: options.maxWaitMilliseconds ?? 10_000 });
  }

  start(): void {
    this.running ??= this.run();
  }

  /** Do not wait for the end of the pause. */
  wake(): void {
    this.backoff.wake();
  }

  /** Resolves when the step in hand is over. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.wake();
    await this.running;
  }

  private async run(): Promise<void> {
    const { step, idleMilliseconds, restMilliseconds = 0, failure, logger } = this.options;
    while (!this.stopping) {
      try {
        const more = await step();
        this.backoff.reset();
        if (more || this.stopping) continue;
        if (restMilliseconds > 0) await sleep(restMilliseconds);
        await this.backoff.sleep(idleMilliseconds);
      } catch (error) {
        if (this.stopping) return;
        logger.warn({ err: error }, `${failure}; trying again`);
        await this.backoff.sleepAfterFailure();
      }
    }
  }
}
