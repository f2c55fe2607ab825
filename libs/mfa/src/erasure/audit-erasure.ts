import { AuditRedaction } from '@signet/audit';
import { BackgroundLoop, Clock, LOGGER, SignetConfig, type Logger } from '@signet/platform';
import { forgetName, forgetOldHashes, markErased, nextUnredacted } from '@signet/privacy';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { LOG_DAYS } from './erasure.js';
import { removeVerificationsBefore } from './erasure.sql.js';

/** New entries are chained within a second, and only what is chained is redacted. */
const IDLE_MILLISECONDS = 1000;
const AT_ONCE = 20;
const UPKEEP_MILLISECONDS = 3_600_000;
const REMOVED_AT_ONCE = 5000;
const DAY_MILLISECONDS = 86_400_000;
/** A log drops whole segments, so it keeps records somewhat longer than it says. */
const SPARE_DAYS = 10;

/** Redacts the audit log for subjects that were erased; and forgets what is kept for a time only. */
@Injectable()
export class AuditErasure implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly loop: BackgroundLoop;
  private readonly upkeep: BackgroundLoop;

  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly redaction: AuditRedaction,
    private readonly config: SignetConfig,
    @Inject(LOGGER) logger: Logger,
  ) {
    const redacting = { failure: 'the audit log could not be redacted', idleMilliseconds: IDLE_MILLISECONDS };
    this.loop = new BackgroundLoop({ ...redacting, step: () => this.redactDue(), logger });
    const forgetting = { failure: 'old attempts could not be removed', idleMilliseconds: UPKEEP_MILLISECONDS };
    this.upkeep = new BackgroundLoop({ ...forgetting, step: () => this.forgetOld(), logger });
  }

  onApplicationBootstrap(): void {
    this.loop.start();
    this.upkeep.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.loop.stop(), this.upkeep.stop()]);
  }

  wake(): void {
    this.loop.wake();
  }

  /** A part of each log that is to be redacted. @returns whether more can be done at once */
  async redactDue(): Promise<boolean> {
    const { manager } = this.dataSource;
    let progress = false;
    for (const { id, requestedBy, ...of } of await nextUnredacted(manager, AT_ONCE)) {
      const draft = { at: this.clock.now(), actor: requestedBy, erasureId: id };
      const { redacted, more } = await this.redaction.redact(of, draft);
      const erased = { erasureId: id, store: 'audit' as const, records: redacted };
      await this.dataSource.transaction(async (inOne) => {
        await markErased(inOne, erased, more ? undefined : this.clock.now());
        if (!more) await forgetName(inOne, id);
      });
      progress ||= redacted > 0 && more;
    }
    return progress;
  }

  private async forgetOld(): Promise<boolean> {
    const { manager } = this.dataSource;
    const ago = (days: number): Date => new Date(this.clock.now().getTime() - days * DAY_MILLISECONDS);
    await forgetOldHashes(manager, ago(LOG_DAYS + SPARE_DAYS));
    const before = ago(this.config.values.SIGNET_VERIFICATION_RETENTION_DAYS);
    return (await removeVerificationsBefore(manager, before, REMOVED_AT_ONCE)) === REMOVED_AT_ONCE;
  }
}
