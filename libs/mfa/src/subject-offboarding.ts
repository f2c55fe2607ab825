import { appendAudit } from '@signet/audit';
import { topics, type EnrollmentEvent, type InputOf, type Offboarded, type Subject } from '@signet/contracts';
import { appendToOutbox, Clock, OutboxRelay, SignetError, type Caller } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { FactorRevocation } from './factor-revocation.js';
import type { Doing } from './factor-enrollment.js';
import { readFactors } from './factors.sql.js';
import { SubjectEndings, type Ended } from './subject-endings.js';
import { toSubject, type StoredSubject } from './subject.js';
import { lockSubject, raiseEpoch, updateSubject } from './subjects.sql.js';

/** Somebody leaves: everything that is theirs ends at once (security.md §4). */
@Injectable()
export class SubjectOffboarding {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly relay: OutboxRelay,
    private readonly revocation: FactorRevocation,
    private readonly endings: SubjectEndings,
  ) {}

  /**
   * Ends factors, enrollments and whatever other contexts registered, in one transaction, and raises the epoch. It is
   * effective before it returns: attempts everywhere wait for the same lock. Offboarding again ends nothing more.
   * @throws SignetError `not-found`
   */
  async offboard(
    caller: Caller,
    { params, body }: Pick<InputOf<'offboardSubject'>, 'params' | 'body'>,
  ): Promise<Offboarded> {
    const ended = await this.dataSource.transaction(async (manager) => {
      const subject = await this.lock(manager, caller, params.subject);
      if (subject.status === 'offboarded') return [];
      return this.end(manager, { subject, reason: body.reason, doing: this.doing(caller) });
    });
    this.relay.wake();
    const reached = await Promise.all(ended.flatMap(({ afterCommit }) => (afterCommit ? [afterCommit()] : [])));
    return { ...sum(ended), propagation: reached.includes('pending') ? 'pending' : 'effective' };
  }

  /**
   * Lets an offboarded subject begin anew. What was ended stays ended, and the epoch rises once more, so that nothing
   * of before is honoured.
   * @throws SignetError `not-found`
   */
  async reenable(caller: Caller, { params, body }: InputOf<'reenableSubject'>): Promise<Subject> {
    return this.dataSource.transaction(async (manager) => {
      const subject = await this.lock(manager, caller, params.subject);
      if (subject.status !== 'offboarded') return toSubject(subject);
      const doing = this.doing(caller);
      await this.audit(manager, { subject, doing, action: 'subject.reenable', reason: body.reason });
      return toSubject(await this.move(manager, subject, { status: 'active', at: doing.at }));
    });
  }

  private async end(
    manager: EntityManager,
    ending: { subject: StoredSubject; reason: string; doing: Doing },
  ): Promise<Ended[]> {
    const { subject, reason, doing } = ending;
    const factorsRevoked = await this.endFactors(manager, ending);
    const others = await this.endings.endAll(manager, ending);
    await this.move(manager, subject, { status: 'offboarded', at: doing.at });
    await this.audit(manager, { subject, doing, action: 'subject.offboard', reason });
    const data: EnrollmentEvent['data'] = {
      workspaceId: subject.workspaceId,
      subjectId: subject.id,
      subject: subject.subject,
      reason,
      at: doing.at.toISOString(),
    };
    const event = { topic: topics.enrollments.name, key: subject.id, type: 'subject.offboarded', data, at: doing.at };
    await appendToOutbox(manager, [event]);
    return [{ factorsRevoked }, ...others];
  }

  /** Those of enrollments that nobody confirmed end with their enrollment. */
  private async endFactors(
    manager: EntityManager,
    { subject, doing }: { subject: StoredSubject; doing: Doing },
  ): Promise<number> {
    const factors = await readFactors(manager, subject.id);
    const live = factors.filter(({ status }) => status === 'active' || status === 'locked');
    for (const factor of live) await this.revocation.end(manager, { subject, factor, reason: 'offboarded', doing });
    return live.length;
  }

  private async move(
    manager: EntityManager,
    subject: StoredSubject,
    { status, at }: { status: StoredSubject['status']; at: Date },
  ): Promise<StoredSubject> {
    const moved = { ...subject, status, version: subject.version + 1, updatedAt: at };
    await updateSubject(manager, moved);
    await raiseEpoch(manager, subject.id);
    return moved;
  }

  private async lock(manager: EntityManager, { workspaceId }: Caller, name: string): Promise<StoredSubject> {
    const subject = await lockSubject(manager, workspaceId, name);
    if (!subject) throw new SignetError('not-found');
    return subject;
  }

  private doing({ actor, requestId }: Caller): Doing {
    return { actor, requestId, at: this.clock.now() };
  }

  private audit(
    manager: EntityManager,
    { subject, doing, ...entry }: { subject: StoredSubject; doing: Doing; action: string; reason: string },
  ): Promise<void> {
    return appendAudit(manager, { ...doing, ...entry, workspaceId: subject.workspaceId, subject: subject.subject });
  }
}

/** The counts of all; a kind that nobody ended is 0. */
function sum(ended: readonly Ended[]): Omit<Offboarded, 'propagation'> {
  const of = (kind: Exclude<keyof Ended, 'afterCommit'>): number =>
    ended.reduce((total, counts) => total + (counts[kind] ?? 0), 0);
  return {
    factorsRevoked: of('factorsRevoked'),
    devicesRevoked: of('devicesRevoked'),
    enrollmentsRevoked: of('enrollmentsRevoked'),
    sessionsRevoked: of('sessionsRevoked'),
    codesRevoked: of('codesRevoked'),
  };
}
