import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import {
  Clock,
  counter,
  EventLog,
  Health,
  Histogram,
  LOGGER,
  observedGauge,
  Registry,
  type Logger,
} from '@signet/platform';
import { JournalShipper } from './journal-shipper.js';
import { LeftJournals } from './left-journals.js';
import { ScanJournal } from './scan-journal.js';

/** What a stop waits for the log; the rest is shipped at the next start. */
const DRAIN_MS = 3000;
const LATE_SECONDS = 60;

/** Ships this process' journal to the event log, and those that were left to it; says how they fare. */
@Injectable()
export class ScanPump implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly shippers: readonly JournalShipper[];
  private readonly journals: readonly ScanJournal[];

  constructor(
    private readonly journal: ScanJournal,
    private readonly left: LeftJournals,
    eventLog: EventLog,
    clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
    metrics: Registry,
    health: Health,
  ) {
    const published = counter(metrics, 'signet_scans_published_total', 'Scan events that the event log has taken', []);
    const lag = new Histogram({
      name: 'signet_journal_lag_seconds',
      help: 'From a scan to the word of the event log that it has it; of the oldest of each publish',
      buckets: [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600],
      registers: [metrics],
    });
    const onShipped = (records: number, lagSeconds?: number): void => {
      published.inc(records);
      if (lagSeconds !== undefined) lag.observe(lagSeconds);
    };
    this.journals = [journal, ...left.journals];
    this.shippers = this.journals.map(
      (each) => new JournalShipper({ journal: each, eventLog, clock, logger, onShipped }),
    );
    const sum = (of: (journal: ScanJournal) => number): number =>
      this.journals.reduce((total, each) => total + of(each), 0);
    observedGauge(metrics, 'signet_journal_depth', 'Scans that wait for the event log', () =>
      sum(({ depth }) => depth),
    );
    observedGauge(metrics, 'signet_journal_bytes', 'What they take on the disk, about', () =>
      sum(({ bytes }) => bytes),
    );
    observedGauge(metrics, 'signet_journal_oldest_age_seconds', 'How long the oldest of them has been waiting', () =>
      this.oldestAgeSeconds(),
    );
    health.observe('journal', () => this.trouble());
  }

  onApplicationBootstrap(): void {
    for (const shipper of this.shippers) shipper.start();
  }

  /** Nest calls it when the last request has been answered. */
  async onApplicationShutdown(): Promise<void> {
    const timeout = new AbortController();
    const drained = Promise.all(this.shippers.map((shipper) => shipper.drain()));
    await Promise.race([drained, sleep(DRAIN_MS, undefined, { signal: timeout.signal }).catch(() => {})]);
    timeout.abort();
    if (this.journal.depth > 0) this.logger.info({ left: this.journal.depth }, 'scans are shipped at the next start');
    await this.journal.close();
    await this.left.close();
  }

  private oldestAgeSeconds(): number {
    return Math.max(...this.journals.map((journal) => journal.oldestAgeSeconds()));
  }

  private trouble(): string | undefined {
    const trouble = this.journals.find((journal) => journal.trouble)?.trouble;
    if (trouble) return trouble;
    const late = this.oldestAgeSeconds();
    return late > LATE_SECONDS ? `scans have been waiting for the event log for ${Math.round(late)} s` : undefined;
  }
}
