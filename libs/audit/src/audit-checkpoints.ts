import { topics, type AuditCheckpoint } from '@signet/contracts';
import { appendToOutbox, BackgroundLoop, Clock, LOGGER, OutboxRelay, type Logger } from '@signet/platform';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { CheckpointFile } from './checkpoint-file.js';
import { CheckpointSigningKeys } from './checkpoint-keys.js';
import { signCheckpoint } from './checkpoint.js';
import { insertCheckpoints, readHeadsToSign, tryLockSigner } from './checkpoints.sql.js';

const HOUR_MILLISECONDS = 3_600_000;
const LOOK_MILLISECONDS = 60_000;
const BATCH = 200;

/**
 * Signs the end of each workspace's chain once an hour, when it has moved on. The checkpoint goes to where whoever holds
 * the database cannot reach: the event log and its webhooks, a file, and this process's log.
 */
@Injectable()
export class AuditCheckpoints implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly loop: BackgroundLoop;

  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly keys: CheckpointSigningKeys,
    private readonly file: CheckpointFile,
    private readonly relay: OutboxRelay,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.loop = new BackgroundLoop({
      failure: 'the audit log could not be signed',
      step: async () => (await this.signDue()).length === BATCH,
      idleMilliseconds: LOOK_MILLISECONDS,
      maxWaitMilliseconds: LOOK_MILLISECONDS,
      logger,
    });
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }

  /** Signs the chains whose last checkpoint is an hour old. @returns the new checkpoints, a batch at most */
  async signDue(): Promise<AuditCheckpoint[]> {
    const at = this.clock.now();
    const before = new Date(at.getTime() - HOUR_MILLISECONDS);
    const signed = await this.dataSource.transaction(async (manager) => {
      if (!(await tryLockSigner(manager))) return [];
      const heads = await readHeadsToSign(manager, before, BATCH);
      const { kid, key } = this.keys.signing;
      const checkpoints = heads.map((head) => signCheckpoint({ ...head, at: at.toISOString(), kid }, key));
      if (checkpoints.length === 0) return [];
      await insertCheckpoints(manager, checkpoints);
      await appendToOutbox(
        manager,
        checkpoints.map((data) => ({
          topic: topics.alerts.name,
          key: data.workspaceId,
          type: 'audit.checkpoint',
          data,
          at,
        })),
      );
      return checkpoints;
    });
    if (signed.length > 0) await this.publish(signed);
    return signed;
  }

  /** The file may be on a disk that is full: what is committed stays committed. */
  private async publish(checkpoints: readonly AuditCheckpoint[]): Promise<void> {
    this.relay.wake();
    for (const checkpoint of checkpoints) this.logger.info({ checkpoint }, 'audit checkpoint');
    try {
      await this.file.append(checkpoints);
    } catch (error) {
      this.logger.warn(
        { err: error, file: this.file.path },
        'the audit checkpoints could not be written to their file',
      );
    }
  }
}
