import { BackgroundLoop, Clock, LOGGER, newId, SignetError, type Logger } from '@signet/platform';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import {
  adoptLooseObject,
  doomLooseObject,
  doomOverdueObjects,
  forgetLooseObjects,
  insertLooseObject,
} from './loose-objects.sql.js';
import { FileStore } from './store/file-store.js';

/** An upload takes minutes at most: the server cuts it off. Downloads that have begun keep what they read meanwhile. */
export const LOOSE_MS = 3_600_000;
const SWEEP_MS = 60_000;
const AT_ONCE = 20;

/**
 * The objects in the store that no file has: of uploads in hand, of those that failed, and of contents that were
 * replaced or deleted. Each is written down before it exists, so that what a crash leaves is removed, too.
 */
@Injectable()
export class LooseObjects implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loop: BackgroundLoop;

  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly store: FileStore,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.loop = new BackgroundLoop({
      failure: 'contents without a file could not be removed',
      step: () => this.sweep(),
      idleMilliseconds: SWEEP_MS,
      maxWaitMilliseconds: SWEEP_MS,
      logger,
    });
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.loop.stop();
  }

  /** @returns the id of an object that is about to be written */
  async begin(): Promise<string> {
    const id = newId();
    await insertLooseObject(this.dataSource.manager, { id, removeAfter: this.later() });
    return id;
  }

  /**
   * @param manager of the transaction that gives the object to a file
   * @throws SignetError `unavailable` when it took so long that it is being removed
   */
  async adopt(manager: EntityManager, id: string): Promise<void> {
    if (!(await adoptLooseObject(manager, id))) throw new SignetError('unavailable');
  }

  /** @param manager of the transaction that takes the object from its file */
  async loosen(manager: EntityManager, id: string): Promise<void> {
    await insertLooseObject(manager, { id, removeAfter: this.later() });
  }

  /** Removes an object that was begun, unless a file has it: a commit that was not heard of may have happened. */
  async discard(id: string): Promise<void> {
    try {
      if (!(await doomLooseObject(this.dataSource.manager, id))) return;
      await this.store.remove(id);
      await forgetLooseObjects(this.dataSource.manager, [id]);
    } catch (error) {
      this.logger.warn({ err: error }, 'the content of a failed upload could not be removed yet');
    }
  }

  /** Removes some of those whose time is over. @returns whether there may be more */
  async sweep(): Promise<boolean> {
    // Nothing is locked while the store works; two that sweep at once remove the same things, which is fine.
    const { manager } = this.dataSource;
    const ids = await doomOverdueObjects(manager, { at: this.clock.now(), limit: AT_ONCE });
    for (const id of ids) await this.store.remove(id);
    if (ids.length > 0) await forgetLooseObjects(manager, ids);
    return ids.length === AT_ONCE;
  }

  private later(): Date {
    return new Date(this.clock.now().getTime() + LOOSE_MS);
  }
}
