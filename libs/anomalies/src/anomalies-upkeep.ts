import { BackgroundLoop, Clock, LOGGER, type Logger } from '@signet/platform';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Detector } from './detector.js';
import { DAY_MS, MINUTE_MS } from './finding.js';
import { removeProfilesBefore } from './profiles.sql.js';

const AT_ONCE = 500;
/** For how long something is known of what nothing more comes of. */
const KEPT_DAYS: readonly [scopes: string[], days: number][] = [
  [['network_failures', 'code_failures', 'workspace_failures'], 3],
  [['subject', 'code'], 400],
];

/** What time alone brings: silences, and profiles that are forgotten. */
@Injectable()
export class AnomaliesUpkeep implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly loop: BackgroundLoop;

  constructor(
    private readonly detector: Detector,
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.loop = new BackgroundLoop({
      failure: 'silent codes could not be looked for',
      step: () => this.step(),
      idleMilliseconds: MINUTE_MS,
      maxWaitMilliseconds: 5 * MINUTE_MS,
      logger,
    });
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.loop.stop();
  }

  /** @returns whether there is more to do at once */
  async step(): Promise<boolean> {
    let more = (await this.detector.watchSilence(AT_ONCE)) === AT_ONCE;
    const now = this.clock.now().getTime();
    for (const [scopes, days] of KEPT_DAYS) {
      const before = new Date(now - days * DAY_MS);
      const removed = await removeProfilesBefore(this.dataSource.manager, scopes, before, AT_ONCE);
      more ||= removed === AT_ONCE;
    }
    return more;
  }
}
