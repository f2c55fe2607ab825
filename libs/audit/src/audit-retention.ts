import type { AuditCheckpoint } from '@signet/contracts';
import { BackgroundLoop, Clock, LOGGER, newId, SignetConfig, type Logger } from '@signet/platform';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { findDueCuts, moveCut, readCut, removeCut } from './audit-cut.sql.js';
import { lockSequencer, readChainAfter } from './audit.sql.js';
import { chainNow } from './chain-now.js';
import { checkEntry, type Head } from './chain.js';
import { checkCheckpoint } from './checkpoint.js';
import { CheckpointSigningKeys, keysOf } from './checkpoint-keys.js';

const LOOK_MILLISECONDS = 600_000;
const DAY_MILLISECONDS = 86_400_000;
const LOGS_AT_ONCE = 50;
const REMOVED_AT_ONCE = 5000;
const PAGE = 1000;

/**
 * Cuts logs that are not to be kept for ever, once a day at most, at a checkpoint that was signed while the youngest entry
 * before it was the newest: what remains is proved to be the end of the log that was. An entry says so, in the transaction
 * that cuts. What does not add up is evidence, and is kept.
 */
@Injectable()
export class AuditRetention implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly loop: BackgroundLoop;

  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly keys: CheckpointSigningKeys,
    private readonly config: SignetConfig,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.loop = new BackgroundLoop({
      failure: 'the audit log could not be cut',
      step: () => this.step(),
      idleMilliseconds: LOOK_MILLISECONDS,
      logger,
    });
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }

  /**
   * What it cuts off goes with a later step, so that whoever is reading it finds it to the end.
   * @returns whether there is more to remove at once
   */
  async step(): Promise<boolean> {
    if ((await removeCut(this.dataSource.manager, REMOVED_AT_ONCE)) === REMOVED_AT_ONCE) return true;
    const days = this.config.values.SIGNET_AUDIT_RETENTION_DAYS;
    if (days > 0) await this.cutBefore(new Date(this.clock.now().getTime() - days * DAY_MILLISECONDS));
    return false;
  }

  /** Of each log that begins more than a day before it, what was signed before then. */
  async cutBefore(before: Date): Promise<void> {
    const oldest = new Date(before.getTime() - DAY_MILLISECONDS);
    for (const checkpoint of await findDueCuts(this.dataSource.manager, { before, oldest }, LOGS_AT_ONCE)) {
      const problem = await this.check(checkpoint);
      if (problem) this.logger.error({ problem, workspaceId: checkpoint.workspaceId }, 'an audit log is not cut');
      else await this.cut(checkpoint);
    }
  }

  /** @returns what is wrong with the part that is to go, or with the checkpoint at its end */
  private async check(checkpoint: AuditCheckpoint): Promise<string | undefined> {
    const { manager } = this.dataSource;
    const { workspaceId, seq: end, hash } = checkpoint;
    let head: Head | undefined;
    for (let seq = await readCut(manager, workspaceId); seq < end; seq += PAGE)
      for (const entry of await readChainAfter(manager, workspaceId, seq, Math.min(PAGE, end - seq))) {
        const problem = checkEntry(entry, head ?? { seq, hash: entry.prevHash });
        if (problem) return problem;
        head = entry;
      }
    if (head?.seq !== end || head.hash !== hash)
      return `entry ${end} is not the one that was there at ${checkpoint.at}`;
    return checkCheckpoint(checkpoint, keysOf(this.keys.jwks));
  }

  private cut(checkpoint: AuditCheckpoint): Promise<void> {
    const { workspaceId, seq, hash } = checkpoint;
    return this.dataSource.transaction(async (manager) => {
      await lockSequencer(manager);
      if (!(await moveCut(manager, checkpoint))) return;
      const at = this.clock.now().toISOString();
      const cut = { [String(seq)]: hash };
      await chainNow(manager, { id: newId(), at, workspaceId, actor: 'system', action: 'audit.cut', cut });
    });
  }
}
