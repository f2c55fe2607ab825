import { BackgroundLoop, Clock, LOGGER, type Logger } from '@signet/platform';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { removeOldStrangers } from '../throttle.sql.js';

const BATCH = 500;
const IDLE_MILLISECONDS = 10 * 60_000;

/** Forgets the throttles of names that are nobody's; no attempt does, because its time would tell that it is one's. */
@Injectable()
export class StrangerSweep implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly loop: BackgroundLoop;

  constructor(dataSource: DataSource, clock: Clock, @Inject(LOGGER) logger: Logger) {
    this.loop = new BackgroundLoop({
      failure: 'old throttles of unknown names could not be removed',
      step: async () => (await removeOldStrangers(dataSource.manager, clock.now(), BATCH)) === BATCH,
      idleMilliseconds: IDLE_MILLISECONDS,
      logger,
    });
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }
}
