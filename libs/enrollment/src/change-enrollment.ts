import { SecretCodes } from '@signet/codes';
import type { Enrollment, InputOf } from '@signet/contracts';
import { FactorRevocation, lockSubjectById } from '@signet/mfa';
import { Clock, OutboxRelay, SignetError, type Caller } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { BeginEnrollment } from './begin-enrollment.js';
import { EnrollmentEndings } from './enrollment-endings.js';
import { isOverdue, isUnfinished, toEnrollment, type CreatedEnrollment, type StoredEnrollment } from './enrollment.js';
import { auditEnrollment } from './enrollment-trail.js';
import { findEnrollment } from './enrollments.sql.js';

/** Ends enrollments and begins others in their place; each is effective before it returns. */
@Injectable()
export class ChangeEnrollment {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly relay: OutboxRelay,
    private readonly codes: SecretCodes,
    private readonly endings: EnrollmentEndings,
    private readonly beginning: BeginEnrollment,
    private readonly factors: FactorRevocation,
  ) {}

  /**
   * Claims and confirmations wait for the same lock, so that none succeeds afterwards. One that has ended stays as it is.
   * @throws SignetError `not-found` | `enrollment-active`
   */
  async revoke(caller: Caller, { params, body }: InputOf<'revokeEnrollment'>): Promise<Enrollment> {
    const revoked = await this.dataSource.transaction(async (manager) => {
      const enrollment = await this.lock(manager, caller, params.id);
      if (!isUnfinished(enrollment)) return enrollment;
      const doing = { actor: caller.actor, requestId: caller.requestId, at: this.clock.now() };
      const ending = isOverdue(enrollment, doing.at) ? 'expired' : 'revoked';
      const reason = ending === 'revoked' ? body.reason : undefined;
      await this.endings.end(manager, { enrollment, ending, reason, doing });
      return { ...enrollment, status: ending } satisfies StoredEnrollment;
    });
    this.relay.wake();
    if (revoked.codeId !== null) await this.codes.propagate([revoked.codeId]);
    return toEnrollment(revoked);
  }

  /**
   * Begins again for the same subject, in the same way; whatever was open is superseded in the same transaction.
   * @throws SignetError `not-found` | `enrollment-active` | `enrollment-disabled` | `idempotency-conflict`
   */
  reissue(
    caller: Caller,
    idempotencyKey: string | undefined,
    { params, body }: InputOf<'reissueEnrollment'>,
  ): Promise<CreatedEnrollment> {
    const request = { id: params.id, ...body };
    return this.beginning.once(
      caller,
      { operation: 'reissueEnrollment', key: idempotencyKey, request },
      async (beginning) => {
        const old = await this.lock(beginning.manager, caller, params.id);
        const doing = { actor: caller.actor, requestId: caller.requestId, at: this.clock.now() };
        const { reason, expiresInSeconds } = body;
        await auditEnrollment(beginning.manager, old, { ...doing, action: 'enrollment.reissue', reason });
        const { subject, delivery, purpose, pin } = old;
        return this.beginning.create(beginning, {
          subject,
          delivery,
          purpose: purpose ?? undefined,
          expiresInSeconds,
          requirePin: pin !== null,
          stepUp: { reason },
        });
      },
    );
  }

  /**
   * A device was lost: ends its factor, whose codes fail from now on everywhere, and issues a link in its place.
   * @throws SignetError `not-found` | `enrollment-disabled` | `idempotency-conflict`
   */
  reissueFactor(
    caller: Caller,
    idempotencyKey: string | undefined,
    { params, body }: InputOf<'reissueFactor'>,
  ): Promise<CreatedEnrollment> {
    const request = { id: params.id, ...body };
    return this.beginning.once(
      caller,
      { operation: 'reissueFactor', key: idempotencyKey, request },
      async (beginning) => {
        const { subject } = await this.factors.revokeIn(beginning.manager, caller, { id: params.id, ...body });
        const stepUp = { reason: body.reason };
        return this.beginning.create(beginning, { subject: subject.subject, delivery: 'link', stepUp });
      },
    );
  }

  /** One that is confirmed is a factor's affair. */
  private async lock(manager: EntityManager, { workspaceId }: Caller, id: string): Promise<StoredEnrollment> {
    const named = await findEnrollment(manager, id);
    if (named?.workspaceId !== workspaceId) throw new SignetError('not-found');
    await lockSubjectById(manager, named.subjectId);
    const enrollment = await findEnrollment(manager, id);
    if (!enrollment) throw new SignetError('not-found');
    if (enrollment.status === 'active')
      throw new SignetError('enrollment-active', {
        detail: `Revoke or reissue the factor ${enrollment.factorId} instead`,
      });
    return enrollment;
  }
}
