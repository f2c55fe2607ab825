import { appendAudit } from '@signet/audit';
import type { InputOf, Usage } from '@signet/contracts';
import { Clock, SignetConfig, SignetError, type Caller } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { addFileBytes, readFileBytes } from './file-quota.sql.js';
import {
  countUsedCodes,
  giveBack,
  isFirstWorkspace,
  lockShards,
  readQuotas,
  takeAndDeal,
  takeFromShard,
  writeQuotas,
  type StoredQuotas,
} from './quotas.sql.js';

/**
 * What a workspace may use up. The count of its codes is exact, also while many are issued at once: it is a sum over
 * shards, each with its part of what is left; who issues a code takes from a shard that nobody holds, in the transaction
 * that issues it. Only when no shard has enough left do they take turns, to count and to deal out anew.
 */
@Injectable()
export class Quotas {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly config: SignetConfig,
  ) {}

  /**
   * Before anything of a new code is written, and once in a transaction: whoever holds a shard must not wait for another.
   * @param manager of the transaction that issues the codes: what it rolls back was not taken
   * @throws SignetError `quota-exceeded` with `limit` and `used`
   */
  async takeCodes(manager: EntityManager, workspaceId: string, count = 1): Promise<void> {
    if (count === 0) return;
    const taking = { workspaceId, count, fallback: this.config.values.SIGNET_QUOTA_CODES };
    if (await takeFromShard(manager, taking)) return;
    const { quota, used } = await lockShards(manager, taking);
    if (quota !== 0 && used + count > quota) throw new SignetError('quota-exceeded', exceeded(quota, used));
    await takeAndDeal(manager, taking, { quota, left: quota - used - count });
  }

  /**
   * `takeCodes` for as many of `count` as there is room for.
   * @returns how many were taken, and what to tell the others
   */
  async takeCodesUpTo(
    manager: EntityManager,
    workspaceId: string,
    count: number,
  ): Promise<{ taken: number; refusal?: SignetError }> {
    const taking = { workspaceId, count, fallback: this.config.values.SIGNET_QUOTA_CODES };
    if (count === 0 || (await takeFromShard(manager, taking))) return { taken: count };
    const { quota, used } = await lockShards(manager, taking);
    const taken = quota === 0 ? count : Math.min(count, Math.max(0, quota - used));
    await takeAndDeal(manager, { ...taking, count: taken }, { quota, left: quota - used - taken });
    if (taken === count) return { taken };
    return { taken, refusal: new SignetError('quota-exceeded', exceeded(quota, used + taken)) };
  }

  /** @param manager of the transaction in which codes end, or in which fewer were issued than had been taken */
  async giveBackCodes(manager: EntityManager, workspaceId: string, count = 1): Promise<void> {
    if (count > 0) await giveBack(manager, { workspaceId, count });
  }

  /** @returns the rows that one bulk request of a workspace may have; null: as many as its format allows */
  async bulkRowsOf(manager: EntityManager, workspaceId: string): Promise<number | null> {
    return this.effective(await readQuotas(manager, workspaceId)).bulkRows;
  }

  /**
   * How many more bytes the files of a workspace may have now; null: any number.
   * @throws SignetError `quota-exceeded` when there is no room for `bytes`
   */
  async roomForFile(workspaceId: string, bytes: number): Promise<number | null> {
    const { manager } = this.dataSource;
    const { fileBytes: limit } = this.effective(await readQuotas(manager, workspaceId));
    if (limit === null) return null;
    const used = await readFileBytes(manager, workspaceId);
    if (used + bytes > limit) throw tooManyBytes(limit, used);
    return limit - used;
  }

  /**
   * @param manager of the transaction that stores a file, or another content in its place
   * @param bytes by which its files become more; negative: fewer, for which there is always room
   * @throws SignetError `quota-exceeded` with `limit` and `used`
   */
  async takeFileBytes(manager: EntityManager, workspaceId: string, bytes: number): Promise<void> {
    const fallback = this.config.values.SIGNET_FILE_QUOTA_BYTES;
    if (await addFileBytes(manager, { workspaceId, bytes, fallback })) return;
    const { fileBytes: limit } = this.effective(await readQuotas(manager, workspaceId));
    throw tooManyBytes(limit ?? 0, await readFileBytes(manager, workspaceId));
  }

  async usage(workspaceId: string): Promise<Usage> {
    const { manager } = this.dataSource;
    const { codes, writesPerMinute, bulkRows, fileBytes } = this.effective(await readQuotas(manager, workspaceId));
    return {
      workspaceId,
      codes: { limit: codes, used: await countUsedCodes(manager, workspaceId) },
      writesPerMinute: { limit: writesPerMinute },
      bulkRows: { limit: bulkRows },
      fileBytes: { limit: fileBytes, used: await readFileBytes(manager, workspaceId) },
    };
  }

  /**
   * Only for keys of the workspace that the installation began with: the others would raise their own.
   * @throws SignetError `forbidden` | `not-found`
   */
  async put(caller: Caller, { params, body }: InputOf<'putQuotas'>): Promise<Usage> {
    const { workspaceId, actor, requestId } = caller;
    await this.dataSource.transaction(async (manager) => {
      if (!(await isFirstWorkspace(manager, workspaceId)))
        throw new SignetError('forbidden', { detail: 'Only keys of the first workspace may set quotas' });
      if (!(await writeQuotas(manager, params.id, body))) throw new SignetError('not-found');
      const at = this.clock.now();
      await appendAudit(manager, { at, workspaceId: params.id, actor, action: 'workspace.quotas.update', requestId });
    });
    return this.usage(params.id);
  }

  /** Null: no limit. */
  private effective(stored: StoredQuotas | undefined): StoredQuotas {
    const { values } = this.config;
    const limit = (own: number | null | undefined, fallback: number): number | null => (own ?? fallback) || null;
    return {
      codes: limit(stored?.codes, values.SIGNET_QUOTA_CODES),
      writesPerMinute: limit(stored?.writesPerMinute, values.SIGNET_QUOTA_WRITES_PER_MINUTE),
      bulkRows: limit(stored?.bulkRows, values.SIGNET_QUOTA_BULK_ROWS),
      fileBytes: limit(stored?.fileBytes, values.SIGNET_FILE_QUOTA_BYTES),
    };
  }
}

const exceeded = (limit: number, used: number) => ({
  detail: `${used} of ${limit} codes are in use; archive some, or ask for more`,
  limit,
  used,
});

const tooManyBytes = (limit: number, used: number): SignetError =>
  new SignetError('quota-exceeded', {
    detail: `The files have ${used} of ${limit} bytes; delete some, or ask for more`,
    limit,
    used,
  });
