import { appendAudit } from '@signet/audit';
import { FactorEnrollment, lockSubjectById, unusualOf, type Doing, type StoredSubject } from '@signet/mfa';
import { Clock, OutboxRelay } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { isJustConfirmed, isOpen, type StoredEnrollment } from '../enrollment.js';
import { auditEnrollment } from '../enrollment-trail.js';
import { findEnrollment, markAcknowledged, markShown, replaceSecret } from '../enrollments.sql.js';
import { EnrollmentSettingsService } from '../settings.service.js';
import { showSecret, type ShownSecret } from '../shown-secret.js';

/** Who asks, as the audit log names it. */
export type Visitor = Pick<Doing, 'requestId'> & { ip: string };

interface Held {
  subject: StoredSubject;
  enrollment: StoredEnrollment;
  doing: Doing;
}

/** What the browser that has claimed an enrollment may do with it, besides confirming it. */
@Injectable()
export class ClaimedEnrollments {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly relay: OutboxRelay,
    private readonly settings: EnrollmentSettingsService,
    private readonly factors: FactorEnrollment,
  ) {}

  /** The secret, the first time that it is asked for. @returns undefined ever after */
  reveal(id: string, visitor: Visitor): Promise<(ShownSecret & { unusual: string | undefined }) | undefined> {
    return this.hold(id, visitor, async (manager, { subject, enrollment, doing }) => {
      const { factorId } = enrollment;
      if (factorId === null || !isOpen(enrollment, doing.at)) return undefined;
      if (!(await markShown(manager, id, doing.at))) return undefined;
      const factor = await this.factors.reveal(manager, factorId);
      const { issuer } = await this.settings.get(enrollment.workspaceId, manager);
      return factor && { ...showSecret(issuer, subject, factor), unusual: unusualOf(factor.parameters) };
    });
  }

  /**
   * Puts a new secret, to be shown once, in the place of one that was shown: whoever kept a picture of that has nothing.
   * Wrong codes stay counted, and the time does not begin anew.
   */
  async renew(id: string, visitor: Visitor): Promise<void> {
    await this.hold(id, visitor, async (manager, { subject, enrollment, doing }) => {
      const { factorId, shownAt } = enrollment;
      // One that nobody has seen is as good as a new one.
      if (factorId === null || shownAt === null || !isOpen(enrollment, doing.at)) return;
      await this.factors.abandon(manager, factorId, { reason: 'shown_again', at: doing.at });
      const factor = await this.factors.begin(manager, subject, doing.at);
      await replaceSecret(manager, id, factor.factorId);
      const renewed = { ...enrollment, factorId: factor.factorId };
      await auditEnrollment(manager, renewed, { ...doing, action: 'enrollment.renew' });
    });
  }

  /**
   * A new set of recovery codes for whoever has just confirmed and lost sight of the first; that one is dead.
   * @returns undefined once they were acknowledged, or too long after the confirmation
   */
  renewRecoveryCodes(id: string, visitor: Visitor): Promise<string[] | undefined> {
    return this.hold(id, visitor, async (manager, { subject, enrollment, doing }) =>
      isJustConfirmed(enrollment, doing.at) ? this.factors.issueRecoveryCodes(manager, subject, doing) : undefined,
    );
  }

  /** The recovery codes are said to be saved: they are not made anew from here on. */
  async acknowledge(id: string, visitor: Visitor): Promise<void> {
    await this.hold(id, visitor, async (manager, { enrollment, doing }) => {
      if (!(await markAcknowledged(manager, id, doing.at))) return;
      const { workspaceId, subject } = enrollment;
      const action = 'recovery-codes.acknowledge';
      await appendAudit(manager, { ...doing, workspaceId, subject, action, enrollmentId: id });
    });
  }

  /** Does `work` under the subject's lock. */
  private async hold<Result>(
    id: string,
    { requestId, ip }: Visitor,
    work: (manager: EntityManager, held: Held) => Promise<Result>,
  ): Promise<Result> {
    const result = await this.dataSource.transaction(async (manager) => {
      const named = await findEnrollment(manager, id);
      const subject = named && (await lockSubjectById(manager, named.subjectId));
      const enrollment = subject && (await findEnrollment(manager, id));
      if (!enrollment) throw new Error('an enrollment is gone');
      const doing = { actor: `subject:${subject.id}`, requestId, at: this.clock.now(), ip };
      return work(manager, { subject, enrollment, doing });
    });
    this.relay.wake();
    return result;
  }
}
