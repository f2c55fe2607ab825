import { topics, type ScanEvent } from '@signet/contracts';
import { counter, eventGroup, LOGGER, Registry, type Counter, type EventBatch, type Logger } from '@signet/platform';
import { Controller, Inject } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
import { ANALYTICS_GROUP, RollupWriter } from './rollup-writer.js';

/** Takes the scans off the log. A batch is committed when this resolves; until then it comes again. */
@Controller()
export class ScansConsumer {
  private readonly added: Counter;
  private readonly duplicates: Counter;
  private readonly tooLate: Counter;
  private readonly gaps: Counter;

  constructor(
    private readonly rollups: RollupWriter,
    @Inject(LOGGER) private readonly logger: Logger,
    metrics: Registry,
  ) {
    this.added = counter(metrics, 'signet_rollup_events_total', 'Events counted in the rollups', []);
    this.duplicates = counter(
      metrics,
      'signet_rollup_duplicates_total',
      'Events that came again and were not counted again',
      [],
    );
    this.tooLate = counter(
      metrics,
      'signet_rollup_too_late_total',
      'Events of days whose raw scans are dropped: not counted',
      [],
    );
    this.gaps = counter(
      metrics,
      'signet_consumer_gaps_total',
      'Batches before which records were not counted: lost by the log, or put aside',
      [],
    );
  }

  @EventPattern(topics.scans.name, eventGroup(ANALYTICS_GROUP))
  async onScans(batch: EventBatch<ScanEvent>): Promise<void> {
    const { added, duplicates, tooLate, missed } = await this.rollups.write(batch);
    this.added.inc(added);
    this.duplicates.inc(duplicates);
    this.tooLate.inc(tooLate);
    if (missed === 0n) return;
    this.gaps.inc();
    const { topic, partition, firstOffset } = batch;
    this.logger.error(
      { topic, partition, firstOffset: String(firstOffset), missed: String(missed) },
      'records before these were not counted: the log lost them, or they were put aside',
    );
  }
}
