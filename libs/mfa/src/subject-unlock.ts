import { appendAudit } from '@signet/audit';
import type { InputOf, Unlocked } from '@signet/contracts';
import { Clock, SignetError, type Caller } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { unlockFactors } from './factors.sql.js';
import { lockSubject } from './subjects.sql.js';
import { writeSubjectThrottles } from './throttle.sql.js';

/** An administrator ends what failures have brought about (security.md §2). */
@Injectable()
export class SubjectUnlock {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
  ) {}

  /**
   * Ends the waiting time and unlocks the factors, those that were revoked excepted.
   * @throws SignetError `not-found` | `subject-offboarded`
   */
  async unlock(caller: Caller, { params, body }: InputOf<'unlockSubject'>): Promise<Unlocked> {
    const { workspaceId, actor, requestId } = caller;
    return this.dataSource.transaction(async (manager) => {
      const subject = await lockSubject(manager, workspaceId, params.subject);
      if (!subject) throw new SignetError('not-found');
      if (subject.status === 'offboarded') throw new SignetError('subject-offboarded');
      const factorsUnlocked = await unlockFactors(manager, subject.id);
      await writeSubjectThrottles(manager, [{ subjectId: subject.id, failures: 0, waitUntil: null }]);
      await appendAudit(manager, {
        at: this.clock.now(),
        workspaceId,
        actor,
        action: 'subject.unlock',
        subject: subject.subject,
        reason: body.reason,
        requestId,
      });
      return { factorsUnlocked, failuresForgotten: subject.failures };
    });
  }
}
