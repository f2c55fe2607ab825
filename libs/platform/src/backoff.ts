/** Waits of a loop that retries: exponential with full jitter after failures, and cut short by `wake`. */
export class Backoff {
  private failures = 0;
  private end?: () => void;
  private woken = false;

  constructor(private readonly limits: { minMilliseconds: number; maxMilliseconds: number }) {}

  reset(): void {
    this.failures = 0;
  }

  /** Ends the sleep in hand, or the next one before it begins. */
  wake(): void {
    this.woken = true;
    this.end?.();
  }

  async sleepAfterFailure(): Promise<void> {
    const { minMilliseconds, maxMilliseconds } = this.limits;
    const ceiling = Math.min(maxMilliseconds, minMilliseconds * 2 ** this.failures);
    this.failures += 1;
    await this.sleep(ceiling / 2 + (Math.random() * ceiling) / 2);
  }

  sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.end = () => {
        clearTimeout(timer);
        this.end = undefined;
        this.woken = false;
        resolve();
      };
      const timer = setTimeout(this.end, this.woken ? 0 : milliseconds);
    });
  }
}
