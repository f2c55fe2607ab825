import { isDeepStrictEqual } from 'node:util';
import { appendAudit } from '@signet/audit';
import type { Factor, InputOf, PutSubject, Subject } from '@signet/contracts';
import { Clock, newId, SignetError, type Caller } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { toFactor } from './factor.js';
import { readFactors } from './factors.sql.js';
import { EMPTY_PROFILE, mergeProfile, toSubject, type StoredSubject } from './subject.js';
import { findSubject, insertSubject, lockSubject, updateSubject } from './subjects.sql.js';

/** The users of relying parties, and what they may verify themselves with. */
@Injectable()
export class SubjectsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
  ) {}

  /** Creates a subject or changes the fields that are given; a PUT that changes nothing leaves no trace. */
  async put(caller: Caller, { params, body }: InputOf<'putSubject'>): Promise<Subject> {
    const at = this.clock.now();
    return this.dataSource.transaction(async (manager) => {
      const profile = mergeProfile(EMPTY_PROFILE, body);
      const { workspaceId } = caller;
      const created = await insertSubject(manager, {
        id: newId(),
        workspaceId,
        subject: params.subject,
        profile,
        at,
      });
      if (created) await this.audit(manager, caller, { action: 'subject.create', subject: created.subject, at });
      return toSubject(created ?? (await this.change(manager, caller, { subject: params.subject, body, at })));
    });
  }

  /** @throws SignetError `not-found` */
  async get({ workspaceId }: Caller, subject: string): Promise<Subject> {
    return toSubject(await this.require(workspaceId, subject));
  }

  /** Of every kind, also those that are locked or revoked. @throws SignetError `not-found` */
  async listFactors({ workspaceId }: Caller, subject: string): Promise<{ items: Factor[] }> {
    const { id } = await this.require(workspaceId, subject);
    const factors = await readFactors(this.dataSource.manager, id);
    return { items: factors.flatMap((factor) => toFactor(factor) ?? []) };
  }

  private async require(workspaceId: string, subject: string): Promise<StoredSubject> {
    const found = await findSubject(this.dataSource.manager, workspaceId, subject);
    if (!found) throw new SignetError('not-found');
    return found;
  }

  private async change(
    manager: EntityManager,
    caller: Caller,
    { subject, body, at }: { subject: string; body: PutSubject; at: Date },
  ): Promise<StoredSubject> {
    const before = await lockSubject(manager, caller.workspaceId, subject);
    if (!before) throw new SignetError('not-found');
    const { displayName, email, groups, roles } = before;
    const own = { displayName, email, groups, roles };
    const profile = mergeProfile(own, body);
    if (isDeepStrictEqual(profile, own)) return before;
    await updateSubject(manager, { id: before.id, profile, at });
    await this.audit(manager, caller, { action: 'subject.update', subject, at });
    return { ...before, ...profile, updatedAt: at };
  }

  private audit(
    manager: EntityManager,
    { workspaceId, actor, requestId }: Caller,
    entry: { action: string; subject: string; at: Date },
  ): Promise<void> {
    return appendAudit(manager, { ...entry, workspaceId, actor, requestId });
  }
}
