import type { CodeSnapshot, GuessingData } from '@signet/contracts';
import { counter, LOGGER, Registry, type Counter, type Logger } from '@signet/platform';
import { ScanJournal } from '@signet/scans';
import { Inject, Injectable } from '@nestjs/common';
import { CodeResolver } from './code-resolver.js';
import { LimitExceeded, ScanLimits, type Excess } from './scan-limits.js';
import { ScanRecorder, type Visit } from './scan-recorder.js';

interface Guess {
  kind: GuessingData['kind'];
  /** Absent: many together. */
  visit?: Visit;
  workspaceId?: string | undefined;
  codeId?: string | undefined;
}

/**
 * The limits that guessers meet, and what is told of those who go over one: one event for each of them and each window,
 * because one try is the first too many, over all processes. It waits in the journal like a scan.
 */
@Injectable()
export class Guessing {
  private readonly told: Counter<'kind'>;

  constructor(
    private readonly limits: ScanLimits,
    private readonly recorder: ScanRecorder,
    private readonly resolver: CodeResolver,
    private readonly journal: ScanJournal,
    @Inject(LOGGER) private readonly logger: Logger,
    metrics: Registry,
  ) {
    this.told = counter(metrics, 'signet_guessing_total', 'Addresses that went over a limit for strangers', ['kind']);
  }

  /** @throws SignetError `too-many-requests` */
  async takeUnknownSlug(
    visit: Visit,
    { at, workspaceId }: { at: Date; workspaceId?: string | undefined },
  ): Promise<void> {
    try {
      await this.limits.takeUnknownSlug(visit.ip, at);
    } catch (error) {
      if (error instanceof LimitExceeded && error.excess)
        await this.tell(error.excess, { kind: 'slug', visit, workspaceId });
      throw error;
    }
  }

  /**
   * Also a try of a code's password.
   * @throws SignetError `too-many-requests`
   */
  async takeClaim(visit: Visit, { at, key }: { at: Date; key: string }): Promise<void> {
    try {
      await this.limits.takeClaim(visit.ip, key, at);
    } catch (error) {
      if (error instanceof LimitExceeded && error.excess) {
        const code = await this.nearCode(key);
        const kind = code?.passwordHash === undefined ? 'claim' : 'password';
        await this.tell(error.excess, { kind, visit, workspaceId: code?.workspaceId, codeId: code?.id });
      }
      throw error;
    }
  }

  /** That many addresses together try passwords of a code. */
  async tellOfPasswords(excess: Excess, { id, workspaceId }: CodeSnapshot): Promise<void> {
    await this.tell(excess, { kind: 'password', workspaceId, codeId: id });
  }

  /** What nobody near knows is not worth a query of somebody who is over a limit. */
  private async nearCode(key: string): Promise<CodeSnapshot | undefined> {
    return (await this.resolver.resolveNear(key))?.snapshot;
  }

  private async tell({ count, limit, windowSeconds, from, to }: Excess, guess: Guess): Promise<void> {
    const { kind, visit, workspaceId, codeId } = guess;
    this.told.inc({ kind });
    try {
      await this.journal.appendGuessing({
        kind,
        workspaceId,
        codeId,
        ip: visit && this.recorder.network(visit.ip),
        visitor: visit && this.recorder.visitor(visit, workspaceId ?? '', to),
        count,
        limit,
        windowSeconds,
        from: from.toISOString(),
        to: to.toISOString(),
      });
    } catch (error) {
      this.logger.warn({ err: error, kind, codeId }, 'guessing could not be told of');
    }
  }
}
