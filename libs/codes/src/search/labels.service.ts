import { lineSchema, type LabelPage, type ListLabelsQuery } from '@signet/contracts';
import { BackgroundLoop, decodeCursor, LOGGER, toPage, type Caller, type Logger } from '@signet/platform';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { foldLabelChanges, listLabels, tryLockLabels } from './labels.sql.js';
import type { LabelKind } from './labels.js';

const IDLE_MILLISECONDS = 5000;
const BATCH = 5000;

/**
 * What codes are sorted into, with exact counts at any number of codes: each change of a code appends what it adds and
 * takes away, and this adds it up. Any number of instances may run it.
 */
@Injectable()
export class Labels implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly loop: BackgroundLoop;

  constructor(
    private readonly dataSource: DataSource,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.loop = new BackgroundLoop({
      failure: 'the counts of labels have not been added up',
      step: async () => (await this.fold()) === BATCH,
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

  /** By name. @throws SignetError `invalid-cursor` */
  async list(caller: Caller, kind: LabelKind, query: ListLabelsQuery): Promise<LabelPage> {
    const afterName = decodeCursor(query.cursor, lineSchema(200));
    const which = { workspaceId: caller.workspaceId, kind, prefix: query.q };
    const labels = await listLabels(this.dataSource.manager, which, { afterName, limit: query.limit + 1 });
    return toPage(labels, query.limit, ({ name }) => name);
  }

  /** @returns how many changes it added up */
  fold(): Promise<number> {
    return this.dataSource.transaction(async (manager) =>
      (await tryLockLabels(manager)) ? foldLabelChanges(manager, BATCH) : 0,
    );
  }
}
