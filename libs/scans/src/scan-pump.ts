import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { topics } from '@signet/contracts';
import {
  Backoff,
  Clock,
  counter,
  EventLog,
  Health,
  Histogram,
  LOGGER,
  observedGauge,
  Registry,
  type Counter,
  type Logger,
} from '@signet/platform';
import { ScanJournal, type JournalBatch } from './scan-journal.js';

/** Records of one publish, about; while they are made, which takes some 10 µs each, no scan is answered. */
const BATCH = 250;
/** After the log took everything: what is scanned meanwhile goes as one publish. */
const GATHERING_MS = 20;
/** What a stop waits for the log; the rest is shipped at the next start. */
const DRAIN_MS = 3000;
const LATE_SECONDS = 60;

/** Ships the journal to the event log, in order and at least once; a record leaves the journal when the log has it. */
@Injectable()
export class ScanPump implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly backoff = new Backoff({ minMilliseconds: 100, maxMilliseconds: 5000 });
  private readonly published: Counter;
  private readonly lag: Histogram;
  private running: Promise<void> | undefined;
  private stopping = false;
  private wakeUp: () => void = () => {};

  constructor(
    private readonly journal: ScanJournal,
    private readonly eventLog: EventLog,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
    metrics: Registry,
    health: Health,
  ) {
    this.published = counter(metrics, 'signet_scans_published_total', 'Scan events that the event log has taken', []);
    this.lag = new Histogram({
      name: 'signet_journal_lag_seconds',
      help: 'From a scan to the word of the event log that it has it; of the oldest of each publish',
      buckets: [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600],
      registers: [metrics],
    });
    observedGauge(metrics, 'signet_journal_bytes', 'What they take on the disk, about', () => journal.bytes);
    observedGauge(metrics, 'signet_journal_depth', 'Scans that wait for the event log', () => journal.depth);
    observedGauge(metrics, 'signet_journal_oldest_age_seconds', 'How long the oldest of them has been waiting', () =>
      journal.oldestAgeSeconds(),
    );
    health.observe('journal', () => this.trouble());
  }

  onApplicationBootstrap(): void {
    this.journal.onAppend(() => this.wakeUp());
    this.running ??= this.run();
  }

  /** Nest calls it when the last request has been answered. */
  async onApplicationShutdown(): Promise<void> {
    this.stopping = true;
    this.wakeUp();
    this.backoff.wake();
    const timeout = new AbortController();
    await Promise.race([this.running, sleep(DRAIN_MS, undefined, { signal: timeout.signal }).catch(() => {})]);
    timeout.abort();
    if (this.journal.depth > 0) this.logger.info({ left: this.journal.depth }, 'scans are shipped at the next start');
    await this.journal.close();
  }

  private trouble(): string | undefined {
    if (this.journal.trouble) return this.journal.trouble;
    const late = this.journal.oldestAgeSeconds();
    return late > LATE_SECONDS ? `scans have been waiting for the event log for ${Math.round(late)} s` : undefined;
  }

  private async run(): Promise<void> {
    for (;;) {
      try {
        await this.shipOnce();
        this.backoff.reset();
      } catch (error) {
        if (this.stopping) return;
        this.logger.warn({ err: error, depth: this.journal.depth }, 'scans could not be shipped; trying again');
        await this.backoff.sleepAfterFailure();
      }
      const isIdle = this.journal.depth === 0 && !this.journal.hasFolded;
      if (isIdle && this.stopping) return;
      if (isIdle) await new Promise<void>((resolve) => (this.wakeUp = resolve));
      if (this.journal.depth < BATCH && !this.stopping) await sleep(GATHERING_MS);
    }
  }

  /** One batch; counters follow when there is room for them and the scans before them are gone. */
  private async shipOnce(): Promise<void> {
    const batch = this.journal.oldest(BATCH);
    if (batch.records.length > 0) await this.publish(batch);
    await this.journal.remove(batch);
    this.published.inc(batch.records.length);
    if (this.journal.hasFolded && this.journal.depth < BATCH) await this.journal.unfold();
  }

  private async publish(batch: JournalBatch): Promise<void> {
    try {
      await this.eventLog.publish(topics.scans.name, batch.records);
    } catch (error) {
      let mayBeMore = true;
      while (mayBeMore && !this.stopping) mayBeMore = await this.journal.foldAged(batch);
      throw error;
    }
    const { oldestAt } = batch;
    if (oldestAt !== undefined) this.lag.observe(Math.max(0, this.clock.now().getTime() - oldestAt) / 1000);
  }
}
