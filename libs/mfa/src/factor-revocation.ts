import { appendAudit } from '@signet/audit';
import { topics, type EnrollmentEvent, type Factor, type InputOf } from '@signet/contracts';
import { appendToOutbox, Clock, OutboxRelay, SignetError, type Caller } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { toFactor, type StoredFactor } from './factor.js';
import { endFactor, findFactor } from './factors.sql.js';
import { removeRecoveryCodes } from './recovery-codes.sql.js';
import type { StoredSubject } from './subject.js';
import { lockSubjectById, raiseEpoch } from './subjects.sql.js';

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
    const revoked = await this.dataSource.transaction(async (manager) => {
      const { subject, factor } = await this.lock(manager, caller, params.id);
      const at = this.clock.now();
      if (await endFactor(manager, factor.id, body.reason, at))
        await this.record(manager, caller, { subject, factor, reason: body.reason, at });
      return toFactor({ ...factor, status: 'revoked' });
    });
    this.relay.wake();
    if (!revoked) throw new SignetError('not-found');
    return revoked;
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

  private async record(
    manager: EntityManager,
    { workspaceId, actor, requestId }: Caller,
    { subject, factor, reason, at }: { subject: StoredSubject; factor: StoredFactor; reason: string; at: Date },
  ): Promise<void> {
    if (factor.type === 'recovery') await removeRecoveryCodes(manager, factor.id);
    await raiseEpoch(manager, subject.id);
    await appendAudit(manager, {
      at,
      workspaceId,
      actor,
      action: 'factor.revoke',
      subject: subject.subject,
      factorId: factor.id,
      reason,
      requestId,
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
