import { SecretCodes, type EndedSecret } from '@signet/codes';
import { lockSubjectById } from '@signet/mfa';
import { BackgroundLoop, Clock, LOGGER, newId, OutboxRelay, type Logger } from '@signet/platform';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { EnrollmentEndings } from './enrollment-endings.js';
import { isOverdue, isUnfinished } from './enrollment.js';
import { findEnrollment, findEnrollmentOfCode } from './enrollments.sql.js';

const BATCH = 100;
const IDLE_MILLISECONDS = 1000;

/**
 * Ends the enrollments whose codes were revoked or archived for themselves, one by one or in bulk. Nothing depends on it:
 * a claim uses the code up under its lock, so a revoked one opens nothing from the moment that its call has returned.
 */
@Injectable()
export class EndedLinks implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly loop: BackgroundLoop;

  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly relay: OutboxRelay,
    private readonly codes: SecretCodes,
    private readonly endings: EnrollmentEndings,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.loop = new BackgroundLoop({
      failure: 'enrollments whose codes were revoked could not be ended',
      step: async () => (await this.end()) === BATCH,
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

  /** @returns how many codes it has taken note of */
  async end(): Promise<number> {
    const ended = await this.codes.findEnded(this.dataSource.manager, 'enrollment', BATCH);
    for (const code of ended) await this.endOf(code);
    return ended.length;
  }

  /** Locks the subject before the code, as everything does that changes an enrollment. */
  private async endOf({ codeId, by, reason }: EndedSecret): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      const named = await findEnrollmentOfCode(manager, codeId);
      if (named) await lockSubjectById(manager, named.subjectId);
      const enrollment = named && (await findEnrollment(manager, named.id));
      await this.codes.forgetEnded(manager, codeId);
      if (!enrollment || !isUnfinished(enrollment)) return;
      const doing = { actor: by, requestId: newId(), at: this.clock.now() };
      const ending = isOverdue(enrollment, doing.at) ? 'expired' : 'revoked';
      const why = ending === 'revoked' ? (reason ?? 'code_revoked') : undefined;
      await this.endings.end(manager, { enrollment, ending, reason: why, doing });
    });
    this.relay.wake();
  }
}
