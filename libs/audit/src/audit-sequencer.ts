import type { AuditEntry } from '@signet/contracts';
import { Backoff, LOGGER, type Logger } from '@signet/platform';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { readHeads, readUnchained, tryLockSequencer, writeChained } from './audit.sql.js';
import { chainRecord, GENESIS } from './chain.js';

const BATCH = 500;
const IDLE_MILLISECONDS = 500;

/**
 * Puts committed entries into their workspace's hash chain, in commit order and within a second, so that the chain's
 * lock is on no request's path (security.md §8).
 */
@Injectable()
export class AuditSequencer implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly backoff = new Backoff({ minMilliseconds: 500, maxMilliseconds: 10_000 });
  private stopped = false;
  private running?: Promise<void>;

  constructor(
    private readonly dataSource: DataSource,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.running = this.run();
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    this.backoff.wake();
    await this.running;
  }

  /** Chains what is committed by now; a sequencer elsewhere may be doing it at this moment. */
  async chainAll(): Promise<void> {
    while ((await this.dataSource.transaction((manager) => this.chainBatch(manager))) === BATCH);
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      try {
        await this.chainAll();
        this.backoff.reset();
        if (!this.stopped) await this.backoff.sleep(IDLE_MILLISECONDS);
      } catch (error) {
        this.logger.warn({ err: error }, 'the audit log could not be chained; trying again');
        if (!this.stopped) await this.backoff.sleepAfterFailure();
      }
    }
  }

  private async chainBatch(manager: EntityManager): Promise<number> {
    if (!(await tryLockSequencer(manager))) return 0;
    const records = await readUnchained(manager, BATCH);
    if (records.length === 0) return 0;
    const heads = await readHeads(manager, [...new Set(records.map(({ workspaceId }) => workspaceId))]);
    const entries: AuditEntry[] = records.map((record) => {
      const entry = chainRecord(record, heads.get(record.workspaceId) ?? { seq: 0, hash: GENESIS });
      heads.set(record.workspaceId, entry);
      return entry;
    });
    await writeChained(manager, entries, heads);
    return records.length;
  }
}
