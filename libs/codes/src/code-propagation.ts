import type { Propagation } from '@signet/contracts';
import { BackgroundLoop, CodeState, LOGGER, observedGauge, Registry, within, type Logger } from '@signet/platform';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import {
  countUnpropagated,
  findPropagables,
  readUnpropagated,
  removePropagated,
  type Propagable,
} from './codes.sql.js';

/** Longer than a healthy CodeState ever needs; a caller waits for it. */
const WRITE_TIMEOUT_MS = 1000;
const IDLE_MILLISECONDS = 1000;
const BATCH = 100;

/**
 * Brings changes of codes to `CodeState`: at once after a commit, and again until it worked (architecture.md §4.2). What
 * is written is always the row as it is by then, and `CodeState` refuses versions older than its own, so repeating is
 * harmless and order does not matter. Needs no event log.
 */
@Injectable()
export class CodePropagation implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly loop: BackgroundLoop;

  constructor(
    private readonly dataSource: DataSource,
    private readonly codeState: CodeState,
    registry: Registry,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    observedGauge(registry, 'signet_codes_unpropagated', 'Codes whose newest change CodeState has not confirmed', () =>
      countUnpropagated(dataSource.manager),
    );
    this.loop = new BackgroundLoop({
      failure: 'changes of codes have not reached CodeState',
      step: async () => (await this.repair()) === BATCH,
      idleMilliseconds: IDLE_MILLISECONDS,
      maxWaitMilliseconds: 5000,
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
   * After the commit of changes.
   * @returns `effective`: no redirect follows any of the codes as it was before; `pending`: the loop goes on trying
   */
  async propagate(codeIds: readonly string[]): Promise<Propagation> {
    try {
      const codes = await findPropagables(this.dataSource.manager, codeIds);
      await Promise.all(codes.map((code) => this.write(code)));
      const snapshots = codes.map(({ snapshot }) => snapshot);
      // The changes are effective by now: if this fails, the loop writes them once more.
      await removePropagated(this.dataSource.manager, snapshots).catch(() => undefined);
      return codes.length === codeIds.length ? 'effective' : 'pending';
    } catch (error) {
      this.logger.warn(
        { err: error, codeIds: codeIds.slice(0, 10) },
        'changes have not reached CodeState; trying again',
      );
      return 'pending';
    }
  }

  /** @returns how many codes were waiting, all of which are written now. @throws the first failure, after all were tried */
  private async repair(): Promise<number> {
    const codes = await readUnpropagated(this.dataSource.manager, BATCH);
    if (codes.length === 0) return 0;
    const writes = await Promise.allSettled(codes.map((code) => this.write(code)));
    const written = codes.filter((_code, index) => writes[index]?.status === 'fulfilled');
    await removePropagated(
      this.dataSource.manager,
      written.map(({ snapshot }) => snapshot),
    );
    const failure = writes.find((write) => write.status === 'rejected');
    if (failure) throw failure.reason;
    return codes.length;
  }

  /** A newer version in `CodeState` refuses this one, which is as good: that one includes the change. */
  private async write({ key, snapshot }: Propagable): Promise<void> {
    await within(WRITE_TIMEOUT_MS, this.codeState.write(key, snapshot));
  }
}
