import { appendAudit } from '@signet/audit';
import { Clock } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { upsertDemand } from './subject-demands.sql.js';
import { lockSubject } from './subjects.sql.js';

/** Demands more of subjects for a time; verifications honour it from the commit on. */
@Injectable()
export class SubjectDemands {
  constructor(private readonly clock: Clock) {}

  /**
   * A further proof of each verification of the subject, until one was met or the time is over.
   * @returns whether anything changed; false for a subject that is not there, and a time that has passed
   */
  async demand(
    manager: EntityManager,
    { workspaceId, subject, until, alertId }: { workspaceId: string; subject: string; until: Date; alertId: string },
  ): Promise<boolean> {
    const at = this.clock.now();
    if (until <= at) return false;
    const stored = await lockSubject(manager, workspaceId, subject);
    if (!stored || !(await upsertDemand(manager, { subjectId: stored.id, since: at, until, alertId }))) return false;
    const action = 'subject.demand-step-up';
    await appendAudit(manager, { at, workspaceId, actor: `alert:${alertId}`, action, subject, alertId });
    return true;
  }
}
