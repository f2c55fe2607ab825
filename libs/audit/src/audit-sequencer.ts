import type { AuditEntry } from '@signet/contracts';
import { BackgroundLoop, LOGGER, type Logger } from '@signet/platform';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { readHeads, readUnchained, tryLockSequencer, writeChained } from './audit.sql.js';
import { chainRecord, START } from './chain.js';

const BATCH = 500;
const IDLE_MILLISECONDS = 500;

/**
 * Puts committed entries into their workspace's hash chain, in commit order and within a second, so that the chain's
 * lock is on no request's path (security.md §8).
 */
@Injectable()
export class AuditSequencer implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly loop: BackgroundLoop;

  constructor(
    private readonly dataSource: DataSource,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.loop = new BackgroundLoop({
      failure: 'the audit log could not be chained',
      step: async () => (await this.chain()) === BATCH,
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

  /** Chains what is committed by now; a sequencer elsewhere may be doing it at this moment. */
  async chainAll(): Promise<void> {
    while ((await this.chain()) === BATCH);
  }

  private chain(): Promise<number> {
    return this.dataSource.transaction((manager) => this.chainBatch(manager));
  }

  private async chainBatch(manager: EntityManager): Promise<number> {
    if (!(await tryLockSequencer(manager))) return 0;
    const records = await readUnchained(manager, BATCH);
    if (records.length === 0) return 0;
    const heads = await readHeads(manager, [...new Set(records.map(({ workspaceId }) => workspaceId))]);
    const entries: AuditEntry[] = records.map((record) => {
      const entry = chainRecord(record, heads.get(record.workspaceId) ?? START);
      heads.set(record.workspaceId, entry);
      return entry;
    });
    await writeChained(manager, entries, heads);
    return records.length;
  }
}
