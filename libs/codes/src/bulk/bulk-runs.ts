import { createHash, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, deflateRaw, inflateRaw } from 'node:zlib';
import type { OperationName } from '@signet/contracts';
import { Clock, KeyRing, newId, SignetError, type Caller } from '@signet/platform';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { findBatch, insertBatch, lockRun, openRun, removeOldRuns, type BulkRun } from './bulk.sql.js';

const HOUR_MILLISECONDS = 3_600_000;

/** What is small is kept longer: answers to a hundred thousand rows are 90 MB, and a tenth of that packed. */
export const pack = async (value: unknown): Promise<Buffer> =>
  promisify(deflateRaw)(Buffer.from(JSON.stringify(value)), { level: constants.Z_BEST_SPEED });
export const unpack = async (packed: Buffer): Promise<string> => (await promisify(inflateRaw)(packed)).toString();

/** The part of a bulk call that one transaction does. */
export interface BatchRequest {
  /** The first of its rows. */
  firstRow: number;
  /** What is asked of it: another request under the same key is refused. */
  request: unknown;
}

/**
 * Bulk calls with an `Idempotency-Key`. What a batch of rows was answered commits with what it did, so the same call
 * again, after the connection or the process broke, gets those answers and goes on behind them.
 */
@Injectable()
export class BulkRuns implements OnApplicationBootstrap, OnApplicationShutdown {
  private cleaning?: NodeJS.Timeout;

  constructor(
    private readonly dataSource: DataSource,
    private readonly keyRing: KeyRing,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    const clean = (): void => void removeOldRuns(this.dataSource.manager, this.clock.now()).catch(() => undefined);
    this.cleaning = setInterval(clean, HOUR_MILLISECONDS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.cleaning);
  }

  /** @returns undefined without a key: then nothing is remembered */
  async open(caller: Caller, operation: OperationName, key: string | undefined): Promise<BulkRun | undefined> {
    const [macKeyId] = this.keyRing.keyIds;
    if (key === undefined || macKeyId === undefined) return undefined;
    const { workspaceId, keyId, actor } = caller;
    const keyHash = createHash('sha256').update(`${keyId}\n${operation}\n${key}`).digest();
    const begun = { id: newId(), workspaceId, operation, keyHash, macKeyId, at: this.clock.now(), startedBy: actor };
    const run = await this.dataSource.transaction((manager) => openRun(manager, begun));
    // The requests of a run whose key has left the ring are no longer known.
    if (!this.keyRing.keyIds.includes(run.macKeyId)) throw new SignetError('idempotency-conflict');
    return run;
  }

  /**
   * Does the work unless it was done under this key; calls of one run take turns.
   * @param work its answer must be JSON
   * @throws SignetError `idempotency-conflict` when the batch came with another request
   */
  async once<Answer>(
    manager: EntityManager,
    { run, ...batch }: BatchRequest & { run: BulkRun | undefined },
    work: () => Promise<Answer>,
  ): Promise<Answer> {
    if (run === undefined) return work();
    await lockRun(manager, run.id);
    const { firstRow } = batch;
    // Keyed, because the rows may have passwords in them, which a plain hash would give to whoever guesses.
    const requestMac = this.keyRing.mac(run.macKeyId, 'bulk-request', JSON.stringify(batch.request));
    const context = { workspaceId: run.workspaceId, recordId: `${run.id}/${firstRow}`, purpose: 'bulk-answer' };
    const earlier = await findBatch(manager, run.id, firstRow);
    if (earlier) {
      if (!timingSafeEqual(earlier.requestMac, requestMac)) throw new SignetError('idempotency-conflict');
      const answer: Answer = JSON.parse(await unpack(this.keyRing.open(earlier.answer, context)));
      return answer;
    }
    const answer = await work();
    const sealed = this.keyRing.seal(await pack(answer), context);
    await insertBatch(manager, run.id, { firstRow, requestMac, answer: sealed });
    return answer;
  }
}
