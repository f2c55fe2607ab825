import { appendAudit } from '@signet/audit';
import { topics, type EnrollmentEvent, type Factor, type InputOf } from '@signet/contracts';
import { appendToOutbox, Clock, OutboxRelay, SignetError, type Caller } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Doing } from './factor-enrollment.js';
import { toFactor, type StoredFactor } from './factor.js';
import { endFactor, findFactor, renameFactor } from './factors.sql.js';
import { removeRecoveryCodes } from './recovery-codes.sql.js';
import type { StoredSubject } from './subject.js';
import { lockSubjectById, raiseEpoch } from './subjects.sql.js';

interface Revocation {
  subject: StoredSubject;
  factor: StoredFactor;
  reason: string;
  doing: Doing;
}

/** Ends a factor: a device was lost (security.md §4, NIST SP 800-63B-4 §3.2.1). */
@Injectable()
export class FactorRevocation {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly relay: OutboxRelay,
  ) {}

  /**
   * Effective before it returns: attempts wait for the same lock, so that none succeeds afterwards. Raises the
   * subject's epoch, which ends what the factor opened. Revoking a second time changes nothing.
   * @throws SignetError `not-found`
   */
  async revoke(caller: Caller, { params, body }: InputOf<'revokeFactor'>): Promise<Factor> {
    const { factor } = await this.dataSource.transaction((manager) =>
      this.revokeIn(manager, caller, { id: params.id, ...body }),
    );
    this.relay.wake();
    const revoked = toFactor({ ...factor, status: 'revoked' });
    if (!revoked) throw new SignetError('not-found');
    return revoked;
  }

  /**
   * `revoke` in the caller's transaction.
   * @returns the factor as it was, and its subject, which stays locked
   * @throws SignetError `not-found`
   */
  async revokeIn(
    manager: EntityManager,
    caller: Caller,
    { id, reason }: { id: string; reason: string },
  ): Promise<{ subject: StoredSubject; factor: StoredFactor }> {
    const { subject, factor } = await this.lock(manager, caller, id);
    const { actor, requestId } = caller;
    const doing = { actor, requestId, at: this.clock.now() };
    if (await this.end(manager, { subject, factor, reason, doing })) await raiseEpoch(manager, subject.id);
    return { subject, factor };
  }

  /**
   * Names a factor for those who read the list; the attempts know its id only.
   * @throws SignetError `not-found`
   */
  async rename(caller: Caller, { params, body }: InputOf<'renameFactor'>): Promise<Factor> {
    const renamed = await this.dataSource.transaction(async (manager) => {
      const { subject, factor } = await this.lock(manager, caller, params.id);
      await renameFactor(manager, factor.id, body.name);
      await appendAudit(manager, {
        at: this.clock.now(),
        workspaceId: caller.workspaceId,
        actor: caller.actor,
        action: 'factor.rename',
        subject: subject.subject,
        factorId: factor.id,
        requestId: caller.requestId,
      });
      return toFactor({ ...factor, name: body.name });
    });
    if (!renamed) throw new SignetError('not-found');
    return renamed;
  }

  /**
   * Ends a factor of a subject that is locked, with its audit entry and its event. The caller raises the epoch.
   * @returns whether it was not ended before
   */
  async end(manager: EntityManager, revocation: Revocation): Promise<boolean> {
    const { factor, reason, doing } = revocation;
    const isEnded = await endFactor(manager, factor.id, reason, doing.at);
    if (isEnded) await this.record(manager, revocation);
    return isEnded;
  }

  /** One that is pending is its enrollment's affair: here it is not found. */
  private async lock(
    manager: EntityManager,
    { workspaceId }: Caller,
    id: string,
  ): Promise<{ subject: StoredSubject; factor: StoredFactor }> {
    const named = await findFactor(manager, id);
    if (named?.workspaceId !== workspaceId) throw new SignetError('not-found');
    const subject = await lockSubjectById(manager, named.subjectId);
    const factor = await findFactor(manager, id);
    if (!subject || !factor?.confirmedAt) throw new SignetError('not-found');
    return { subject, factor };
  }

  private async record(manager: EntityManager, { subject, factor, reason, doing }: Revocation): Promise<void> {
    if (factor.type === 'recovery') await removeRecoveryCodes(manager, factor.id);
    const { workspaceId } = subject;
    const { at } = doing;
    await appendAudit(manager, {
      ...doing,
      workspaceId,
      action: 'factor.revoke',
      subject: subject.subject,
      factorId: factor.id,
      reason,
    });
    const data: EnrollmentEvent['data'] = {
      workspaceId,
      subjectId: subject.id,
      subject: subject.subject,
      factorId: factor.id,
      factorType: factor.type,
      reason,
      at: at.toISOString(),
    };
    await appendToOutbox(manager, [
      { topic: topics.enrollments.name, key: subject.id, type: 'factor.revoked', data, at },
    ]);
  }
}
