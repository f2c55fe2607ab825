import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Reads of the same thing at the same time share one that begins after all of them were asked for: nobody is told what
 * was before their own call, and however many ask, at most two reads of a thing are under way or waiting.
 */
export class SharedReads<Value> {
  private readonly running = new Map<string, Promise<Value>>();
  private readonly waiting = new Map<string, Promise<Value>>();

  /** @param restMilliseconds between a read and the one that others wait for: the longer, the more of them share it */
  constructor(private readonly restMilliseconds = 0) {}

  /** @param read is called at once, or when the read of this key that is under way has ended */
  read(key: string, read: () => Promise<Value>): Promise<Value> {
    const waiting = this.waiting.get(key);
    if (waiting) return waiting;
    const running = this.running.get(key);
    if (!running) return this.start(key, read);
    const begin = async (): Promise<Value> => {
      if (this.restMilliseconds > 0) await sleep(this.restMilliseconds);
      this.waiting.delete(key);
      return this.start(key, read);
    };
    const next = running.then(begin, begin);
    this.waiting.set(key, next);
    return next;
  }

  private start(key: string, read: () => Promise<Value>): Promise<Value> {
    const running = read().finally(() => {
      if (this.running.get(key) === running) this.running.delete(key);
    });
    this.running.set(key, running);
    return running;
  }
}
