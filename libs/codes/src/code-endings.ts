import { topics, type CodeEvent } from '@signet/contracts';
import {
  appendToOutbox,
  BackgroundLoop,
  Clock,
  LOGGER,
  OutboxRelay,
  SignetConfig,
  type Logger,
  type OutboxEvent,
} from '@signet/platform';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { toEventData } from './code.js';
import { takeTurns } from './codes.sql.js';
import { findExpired, findUsedUp, markExpired, markUsedUp, type EndedCode } from './endings.sql.js';

const IDLE_MILLISECONDS = 1000;
/** Of each kind in one transaction, for which changes of these codes wait. */
const BATCH = 200;

/**
 * Tells that codes have expired or are used up, once for each time that they end, also when nobody scans them. It
 * switches nothing off: the redirect and the arbiter decide at the instant of the scan, whether this runs or not. Any
 * number of instances may run it.
 */
@Injectable()
export class CodeEndings implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly loop: BackgroundLoop;

  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly config: SignetConfig,
    private readonly outbox: OutboxRelay,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.loop = new BackgroundLoop({
      failure: 'the endings of codes have not been told',
      step: async () => (await this.tell()) > 0,
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

  /** @returns how many endings it told */
  async tell(): Promise<number> {
    const at = this.clock.now();
    const due = await Promise.all([
      findUsedUp(this.dataSource.manager, BATCH),
      findExpired(this.dataSource.manager, at, BATCH),
    ]);
    const ids = [...new Set(due.flat())];
    if (ids.length === 0) return 0;
    const told = await this.dataSource.transaction((manager) => this.mark(manager, ids, at));
    this.outbox.wake();
    return told;
  }

  private async mark(manager: EntityManager, due: readonly string[], at: Date): Promise<number> {
    const ids = await takeTurns(manager, due);
    const usedUp = await markUsedUp(manager, ids);
    const expired = await markExpired(manager, ids, at);
    // In this order: of a code that is both, the newest event says what the code shows, which is that it expired.
    const events = [
      ...usedUp.map((ended) => this.eventOf('code.exhausted', ended)),
      ...expired.map((ended) => this.eventOf('code.expired', ended)),
    ];
    await appendToOutbox(manager, events);
    return events.length;
  }

  /** The code with the status that it took by ending. */
  private eventOf(type: CodeEvent['type'], { code, endedAt: at }: EndedCode): OutboxEvent {
    const data = toEventData(code, { publicUrl: this.config.publicUrl, at });
    return { topic: topics.codes.name, key: code.id, type, data, at };
  }
}
