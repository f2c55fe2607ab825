import { lockSubjectById } from '@signet/mfa';
import { BackgroundLoop, Clock, LOGGER, newId, OutboxRelay, type Logger } from '@signet/platform';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { EnrollmentEndings } from './enrollment-endings.js';
import { isOverdue, type StoredEnrollment } from './enrollment.js';
import { announceEnrollment } from './enrollment-trail.js';
import { findEnrollment, findOverdue, takeDueReminders } from './enrollments.sql.js';

const IDLE_MILLISECONDS = 1000;
const BATCH = 100;

/**
 * Tells in time what nobody asks about: that enrollments have expired, whose secrets it destroys, and that half of the
 * time of a link is over which nobody has claimed. It decides nothing: the clock does, at each claim and confirmation,
 * whether this runs or not. Any number of instances may run it.
 */
@Injectable()
export class EnrollmentDeadlines implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly loop: BackgroundLoop;

  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly relay: OutboxRelay,
    private readonly endings: EnrollmentEndings,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.loop = new BackgroundLoop({
      failure: 'the deadlines of enrollments have not been told',
      step: async () => (await this.tell()) >= BATCH,
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

  /** @returns how many deadlines it told of */
  async tell(): Promise<number> {
    const at = this.clock.now();
    const overdue = await findOverdue(this.dataSource.manager, at, BATCH);
    for (const enrollment of overdue) await this.expire(enrollment, newId());
    return overdue.length + (await this.remind(at));
  }

  /** @returns the enrollment as it is by then: somebody may have been faster */
  async expire({ id, subjectId }: StoredEnrollment, requestId: string): Promise<StoredEnrollment> {
    const expired = await this.dataSource.transaction(async (manager) => {
      await lockSubjectById(manager, subjectId);
      const enrollment = await findEnrollment(manager, id);
      if (!enrollment) throw new Error('an enrollment is gone');
      const doing = { actor: 'system', requestId, at: this.clock.now() };
      if (!isOverdue(enrollment, doing.at)) return enrollment;
      await this.endings.end(manager, { enrollment, ending: 'expired', doing });
      return { ...enrollment, status: 'expired' as const };
    });
    this.relay.wake();
    return expired;
  }

  private async remind(at: Date): Promise<number> {
    const reminded = await this.dataSource.transaction(async (manager) => {
      const due = await takeDueReminders(manager, at, BATCH);
      for (const enrollment of due) await announceEnrollment(manager, enrollment, { type: 'enrollment.reminder', at });
      return due.length;
    });
    if (reminded > 0) this.relay.wake();
    return reminded;
  }
}
