import { BackgroundLoop, Clock, LOGGER, observedGauge, Registry, SignetConfig, type Logger } from '@signet/platform';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Alerts } from './alerts.js';
import { countOpen, lockQuietAlerts, removeAlertsBefore } from './alerts.sql.js';
import { removeEndedMutes } from './mutes.sql.js';

const IDLE_MS = 30_000;
const AT_ONCE = 500;
const DAY_MS = 86_400_000;

/** Resolves alerts of what has stopped, and deletes those that are no longer kept. */
@Injectable()
export class AlertsUpkeep implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly loop: BackgroundLoop;

  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly alerts: Alerts,
    private readonly config: SignetConfig,
    @Inject(LOGGER) logger: Logger,
    metrics: Registry,
  ) {
    this.loop = new BackgroundLoop({
      failure: 'the upkeep of alerts failed',
      step: () => this.step(),
      idleMilliseconds: IDLE_MS,
      maxWaitMilliseconds: 2 * IDLE_MS,
      logger,
    });
    observedGauge(metrics, 'signet_alerts_open', 'Alerts that nobody and nothing has resolved', () =>
      countOpen(dataSource.manager),
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
    const now = this.clock.now();
    const resolved = await this.dataSource.transaction(async (manager) => {
      const quiet = await lockQuietAlerts(manager, now, AT_ONCE);
      await this.alerts.end(manager, quiet, { by: 'system', resolution: 'It has not happened again' });
      return quiet.length;
    });
    if (resolved > 0) this.alerts.wake();
    const { manager } = this.dataSource;
    await removeEndedMutes(manager, now);
    const before = new Date(now.getTime() - this.config.values.SIGNET_ALERT_RETENTION_DAYS * DAY_MS);
    const removed = await removeAlertsBefore(manager, before, AT_ONCE);
    return resolved === AT_ONCE || removed === AT_ONCE;
  }
}
