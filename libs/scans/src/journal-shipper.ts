import { setTimeout as sleep } from 'node:timers/promises';
import { topics } from '@signet/contracts';
import { Backoff, type Clock, type EventLog, type Logger } from '@signet/platform';
import type { JournalBatch, ScanJournal } from './scan-journal.js';

/** Records of one publish, about; while they are made, which takes some 5 µs each, no scan is answered. */
const BATCH = 500;
/** After the log took everything: what is scanned meanwhile goes as one publish. */
const GATHERING_MS = 20;

export interface JournalShipperOptions {
  journal: ScanJournal;
  eventLog: EventLog;
  clock: Clock;
  logger: Logger;
  /** @param lagSeconds from the oldest scan of a publish to the log's word that it has it; absent when there was none */
  onShipped: (records: number, lagSeconds?: number) => void;
}

/** Ships a journal to the event log, in order and at least once; a record leaves the journal when the log has it. */
export class JournalShipper {
  private readonly backoff = new Backoff({ minMilliseconds: 100, maxMilliseconds: 5000 });
  private stopping = false;
  private running: Promise<void> | undefined;
  private wakeUp: () => void = () => {};

  constructor(private readonly options: JournalShipperOptions) {}

  start(): void {
    this.options.journal.onAppend(() => this.wakeUp());
    this.running ??= this.run();
  }

  /** Resolves when the journal is empty, or the log is away. */
  async drain(): Promise<void> {
    this.stopping = true;
    this.wakeUp();
    this.backoff.wake();
    await this.running;
  }

  private async run(): Promise<void> {
    const { journal, logger } = this.options;
    for (;;) {
      try {
        await this.shipOnce();
        this.backoff.reset();
      } catch (error) {
        if (this.stopping) return;
        logger.warn({ err: error, depth: journal.depth }, 'scans could not be shipped; trying again');
        await this.backoff.sleepAfterFailure();
      }
      const isIdle = journal.depth === 0 && !journal.hasFolded;
      if (isIdle && this.stopping) return;
      if (isIdle) await new Promise<void>((resolve) => (this.wakeUp = resolve));
      if (journal.depth < BATCH && !this.stopping) await sleep(GATHERING_MS);
    }
  }

  /** One batch; counters follow when there is room for them and the scans before them are gone. */
  private async shipOnce(): Promise<void> {
    const { journal, onShipped } = this.options;
    const batch = journal.oldest(BATCH);
    const lagSeconds = batch.records.length > 0 ? await this.publish(batch) : undefined;
    await journal.remove(batch);
    onShipped(batch.records.length, lagSeconds);
    if (journal.hasFolded && journal.depth < BATCH) await journal.unfold();
  }

  private async publish(batch: JournalBatch): Promise<number | undefined> {
    const { journal, eventLog, clock } = this.options;
    try {
      await eventLog.publish(topics.scans.name, batch.records);
    } catch (error) {
      let mayBeMore = true;
      while (mayBeMore && !this.stopping) mayBeMore = await journal.foldAged(batch);
      throw error;
    }
    const { oldestAt } = batch;
    return oldestAt === undefined ? undefined : Math.max(0, clock.now().getTime() - oldestAt) / 1000;
  }
}
