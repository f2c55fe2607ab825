import { SecretCodes } from '@signet/codes';
import { FactorEnrollment, type Doing, type StoredSubject } from '@signet/mfa';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { isOverdue, type StoredEnrollment } from './enrollment.js';
import { announceEnrollment, auditEnrollment } from './enrollment-trail.js';
import { endEnrollment, readOpenEnrollments } from './enrollments.sql.js';

/** How an enrollment ends without a factor. */
export type Ending = 'expired' | 'superseded' | 'failed' | 'revoked';

/** Ends enrollments that were not confirmed, in transactions that hold the subject's lock. */
@Injectable()
export class EnrollmentEndings {
  constructor(
    private readonly factors: FactorEnrollment,
    private readonly codes: SecretCodes,
  ) {}

  /** Its link and its secret die with it, and nothing else of the subject is touched. @param reason why, if somebody said */
  async end(
    manager: EntityManager,
    {
      enrollment,
      ending,
      reason = ending,
      doing,
    }: { enrollment: StoredEnrollment; ending: Ending; reason?: string; doing: Doing },
  ): Promise<void> {
    const { id, workspaceId, codeId, factorId, claimedAt } = enrollment;
    await endEnrollment(manager, id, ending, doing.at);
    if (factorId !== null) await this.factors.abandon(manager, factorId, { reason: ending, at: doing.at });
    // The code of a claimed one is used up, and that of an expired one has expired with it.
    if (codeId !== null && claimedAt === null && ending !== 'expired')
      await this.codes.revoke(manager, { workspaceId, ...doing }, { id: codeId, reason });
    await auditEnrollment(manager, enrollment, { ...doing, action: 'enrollment.end', result: ending, reason });
    const type = ending === 'expired' ? 'enrollment.expired' : 'enrollment.revoked';
    await announceEnrollment(manager, enrollment, { type, reason, at: doing.at });
  }

  /**
   * Ends every one of a subject that nobody confirmed; one whose time was over had expired.
   * @returns those that ended now
   */
  async endAll(
    manager: EntityManager,
    subject: StoredSubject,
    { ending, doing }: { ending: 'superseded' | 'revoked'; doing: Doing },
  ): Promise<StoredEnrollment[]> {
    const unfinished = await readOpenEnrollments(manager, subject.id);
    for (const enrollment of unfinished)
      await this.end(manager, { enrollment, ending: isOverdue(enrollment, doing.at) ? 'expired' : ending, doing });
    return unfinished.filter((enrollment) => !isOverdue(enrollment, doing.at));
  }
}

/** The codes that have to be told of. */
export const codesOf = (enrollments: readonly StoredEnrollment[]): string[] =>
  enrollments.flatMap(({ codeId }) => codeId ?? []);
