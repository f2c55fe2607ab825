import { BackgroundLoop, Clock, LOGGER, observedGauge, Registry, SignetConfig, type Logger } from '@signet/platform';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { dropDaysBefore, openDay } from './raw-scans.sql.js';
import { nextDayToRebuild, readDaysToRebuild } from './rebuild.sql.js';
import { RollupRebuild } from './rollup-rebuild.js';
import { startOfDay } from './rollup.js';
import { STEP_MS } from './time-range.js';
import { removeVerificationsBefore } from './verifications.sql.js';

const IDLE_MS = 10 * STEP_MS.minute;
const REMOVED_AT_ONCE = 5000;

/** Makes the partitions of the days to come, drops those that are no longer kept, and rebuilds days that wait for it. */
@Injectable()
export class AnalyticsUpkeep implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly loop: BackgroundLoop;

  constructor(
    private readonly dataSource: DataSource,
    private readonly rebuild: RollupRebuild,
    private readonly clock: Clock,
    private readonly config: SignetConfig,
    @Inject(LOGGER) private readonly logger: Logger,
    metrics: Registry,
  ) {
    this.loop = new BackgroundLoop({
      failure: 'the upkeep of analytics failed',
      step: () => this.step(),
      idleMilliseconds: IDLE_MS,
      maxWaitMilliseconds: IDLE_MS,
      logger,
    });
    observedGauge(metrics, 'signet_rollup_days_to_rebuild', 'Days whose rollups wait to be made anew', () =>
      readDaysToRebuild(dataSource.manager),
    );
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.loop.stop();
  }

  /** @returns whether there is more to do at once */
  async step(): Promise<boolean> {
    const { manager } = this.dataSource;
    const today = startOfDay(this.clock.now().getTime());
    for (const day of [today, today + STEP_MS.day]) await openDay(manager, day);
    // Before anything is dropped that it is made of.
    const waiting = await nextDayToRebuild(manager);
    if (waiting) {
      await this.rebuild.rebuildDay(waiting);
      return true;
    }
    const { SIGNET_SCAN_RETENTION_DAYS, SIGNET_VERIFICATION_RETENTION_DAYS } = this.config.values;
    const dropped = await dropDaysBefore(manager, today - SIGNET_SCAN_RETENTION_DAYS * STEP_MS.day);
    if (dropped > 0) this.logger.info({ days: dropped }, 'raw scans that are no longer kept were dropped');
    const before = new Date(today - SIGNET_VERIFICATION_RETENTION_DAYS * STEP_MS.day);
    return (await removeVerificationsBefore(manager, before, REMOVED_AT_ONCE)) === REMOVED_AT_ONCE;
  }
}
