import {
  countOtherFactors,
  FactorEnrollment,
  lockSubjectById,
  type Doing,
  type StoredSubject,
  type TotpDiagnosis,
} from '@signet/mfa';
import { Clock, OutboxRelay, SignetError } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { matchesClaimToken } from './claim-token.js';
import { EnrollmentEndings } from './enrollment-endings.js';
import { attemptsLeft, isOpen, isOverdue, type ConfirmedEnrollment, type StoredEnrollment } from './enrollment.js';
import { announceEnrollment, auditEnrollment } from './enrollment-trail.js';
import { countWrongCode, endEnrollment, findEnrollment } from './enrollments.sql.js';

export interface Confirmation {
  id: string;
  code: string;
  claimToken: string;
  /** Which authenticator app it is, if the person says. */
  app?: string | undefined;
  requestId: string;
  /** The address of whoever confirms, for the audit log. */
  ip: string;
}

/** A wrong code, with its cause where that can be told: an app that ignores parameters, or a clock that is off. */
function wrongCode(diagnosis: TotpDiagnosis | undefined, left: number): SignetError {
  if (diagnosis?.cause === 'ignored-parameters')
    return new SignetError('app-ignored-parameters', {
      detail: `Your app ignored ${diagnosis.ignored}: use another authenticator app`,
      ignoredParameters: diagnosis.ignored,
      attemptsLeft: left,
    });
  if (diagnosis?.cause !== 'clock') return new SignetError('invalid-code', { attemptsLeft: left });
  const way = diagnosis.seconds < 0 ? 'slow' : 'fast';
  const detail = `Your phone’s clock is about ${Math.abs(diagnosis.seconds)} s ${way}: set it to automatic and try again`;
  return new SignetError('invalid-code', { detail, clockOffSeconds: diagnosis.seconds, attemptsLeft: left });
}

/** What came of it; a refusal is committed, too, before anybody hears of it. */
type Outcome = { confirmed: ConfirmedEnrollment } | { refused: SignetError };

/** The second half of an enrollment: a code proves that the app has the secret (security.md §4). */
@Injectable()
export class ConfirmEnrollment {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly relay: OutboxRelay,
    private readonly factors: FactorEnrollment,
    private readonly endings: EnrollmentEndings,
  ) {}

  /**
   * Activates the factor and gives a new set of recovery codes, once: of two calls one succeeds. The code counts as
   * used. Whoever holds the `claimToken` may call it.
   * @throws SignetError `not-found` for an unknown enrollment and for a wrong token alike; `invalid-code` with the tries
   *   that are left; `enrollment-failed` when the enrollment is at its end
   */
  async confirm(confirmation: Confirmation): Promise<ConfirmedEnrollment> {
    const named = await findEnrollment(this.dataSource.manager, confirmation.id);
    if (!matchesClaimToken(confirmation.claimToken, named?.claimTokenHash) || !named)
      throw new SignetError('not-found');
    const outcome = await this.dataSource.transaction((manager) => this.decide(manager, named, confirmation));
    this.relay.wake();
    if ('refused' in outcome) throw outcome.refused;
    return outcome.confirmed;
  }

  private async decide(
    manager: EntityManager,
    { id, subjectId }: StoredEnrollment,
    { code, app, requestId, ip }: Confirmation,
  ): Promise<Outcome> {
    const subject = await lockSubjectById(manager, subjectId);
    const enrollment = await findEnrollment(manager, id);
    if (!subject || !enrollment) throw new SignetError('not-found');
    const doing = { actor: `subject:${subject.id}`, requestId, at: this.clock.now(), ip };
    const { factorId } = enrollment;
    if (factorId === null || !isOpen(enrollment, doing.at)) return this.refuseEnded(manager, enrollment, doing);
    const right = await this.factors.confirm(manager, factorId, { code, app, at: doing.at });
    return right
      ? this.activate(manager, { subject, enrollment, factorId }, doing)
      : this.refuse(manager, { enrollment, factorId, code }, doing);
  }

  private async activate(
    manager: EntityManager,
    { subject, enrollment, factorId }: { subject: StoredSubject; enrollment: StoredEnrollment; factorId: string },
    doing: Doing,
  ): Promise<Outcome> {
    await endEnrollment(manager, enrollment.id, 'active', doing.at);
    const action = { action: 'enrollment.confirm', result: 'accepted' };
    await auditEnrollment(manager, enrollment, { ...doing, ...action });
    await announceEnrollment(manager, enrollment, { type: 'enrollment.confirmed', at: doing.at });
    // For their channels: who did not do this themselves has to hear of it by another way (ASVS 6.3.7).
    const otherFactors = await countOtherFactors(manager, { subjectId: subject.id, factorId });
    await announceEnrollment(manager, enrollment, { type: 'factor.added', otherFactors, at: doing.at });
    const recoveryCodes = await this.factors.issueRecoveryCodes(manager, subject, doing);
    return { confirmed: { status: 'active', factorId, recoveryCodes } };
  }

  private async refuse(
    manager: EntityManager,
    { enrollment, factorId, code }: { enrollment: StoredEnrollment; factorId: string; code: string },
    doing: Doing,
  ): Promise<Outcome> {
    const left = attemptsLeft(await countWrongCode(manager, enrollment.id));
    const action = { action: 'enrollment.confirm', result: 'rejected', reason: 'invalid_code' };
    await auditEnrollment(manager, enrollment, { ...doing, ...action });
    const diagnosis = await this.factors.diagnose(manager, factorId, { code, at: doing.at });
    if (left > 0) return { refused: wrongCode(diagnosis, left) };
    await this.endings.end(manager, { enrollment, ending: 'failed', doing });
    return { refused: new SignetError('enrollment-failed', { detail: 'Too many wrong codes: begin again' }) };
  }

  private async refuseEnded(manager: EntityManager, enrollment: StoredEnrollment, doing: Doing): Promise<Outcome> {
    const overdue = isOverdue(enrollment, doing.at);
    if (overdue) await this.endings.end(manager, { enrollment, ending: 'expired', doing });
    const reason = overdue ? 'expired' : enrollment.status;
    await auditEnrollment(manager, enrollment, {
      ...doing,
      action: 'enrollment.confirm',
      result: 'rejected',
      reason,
    });
    return { refused: new SignetError('enrollment-failed', { detail: `The enrollment is ${reason}` }) };
  }
}
