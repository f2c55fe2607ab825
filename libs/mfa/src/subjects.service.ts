import { isDeepStrictEqual } from 'node:util';
import { appendAudit } from '@signet/audit';
import type { Factor, InputOf, ListSubjectsQuery, PutSubject, Subject, SubjectStatus } from '@signet/contracts';
import {
  Clock,
  decodeCursor,
  ifMatchAllows,
  newId,
  SignetError,
  toPage,
  versionTag,
  type Caller,
} from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { z } from 'zod';
import { toFactor } from './factor.js';
import { readFactors } from './factors.sql.js';
import { EMPTY_PROFILE, mergeProfile, profileOf, toPut, toSubject, type StoredSubject } from './subject.js';
import { findSubject, insertSubject, lockSubject, readSubjects, updateSubject } from './subjects.sql.js';

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

  /**
   * Changes the fields that are given, merges attributes, suspends or ends that. A suspended subject keeps everything
   * and can verify nothing.
   * @param ifMatch the version that the caller knows; absent: whichever is there
   * @throws SignetError `not-found` | `version-mismatch`; `subject-offboarded` for a status of one that is
   */
  async update(caller: Caller, { params, body }: InputOf<'updateSubject'>, ifMatch?: string): Promise<Subject> {
    const at = this.clock.now();
    return this.dataSource.transaction(async (manager) => {
      const before = await this.lock(manager, caller, params.subject);
      if (!ifMatchAllows(ifMatch, versionTag(before.version)))
        throw new SignetError('version-mismatch', { detail: `The subject is at version ${before.version}` });
      if (body.status && before.status === 'offboarded')
        throw new SignetError('subject-offboarded', { detail: 'Use /reenable to let the subject begin anew' });
      const after = { ...before, ...mergeProfile(before, toPut(before, body)), status: body.status ?? before.status };
      return toSubject(await this.store(manager, caller, { before, after, at }));
    });
  }

  /** @throws SignetError `not-found` */
  async get({ workspaceId }: Caller, subject: string): Promise<Subject> {
    return toSubject(await this.require(workspaceId, subject));
  }

  /** By name. @throws SignetError `invalid-cursor` */
  async list(
    { workspaceId }: Caller,
    { cursor, ...query }: ListSubjectsQuery,
  ): Promise<{ items: Subject[]; nextCursor: string | null }> {
    const after = decodeCursor(cursor, z.string());
    const found = await readSubjects(this.dataSource.manager, workspaceId, {
      ...query,
      after,
      limit: query.limit + 1,
    });
    return toPage(found.map(toSubject), query.limit, ({ subject }) => subject);
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

  private async lock(manager: EntityManager, { workspaceId }: Caller, subject: string): Promise<StoredSubject> {
    const found = await lockSubject(manager, workspaceId, subject);
    if (!found) throw new SignetError('not-found');
    return found;
  }

  private async change(
    manager: EntityManager,
    caller: Caller,
    { subject, body, at }: { subject: string; body: PutSubject; at: Date },
  ): Promise<StoredSubject> {
    const before = await this.lock(manager, caller, subject);
    return this.store(manager, caller, { before, after: { ...before, ...mergeProfile(before, body) }, at });
  }

  private async store(
    manager: EntityManager,
    caller: Caller,
    { before, after, at }: { before: StoredSubject; after: StoredSubject; at: Date },
  ): Promise<StoredSubject> {
    const isSame = isDeepStrictEqual(profileOf(after), profileOf(before));
    if (isSame && after.status === before.status) return before;
    const stored = { ...after, version: before.version + 1, updatedAt: at };
    await updateSubject(manager, stored);
    const action = after.status === before.status ? 'subject.update' : STATUS_ACTIONS[after.status];
    await this.audit(manager, caller, { action, subject: before.subject, at });
    return stored;
  }

  private audit(
    manager: EntityManager,
    { workspaceId, actor, requestId }: Caller,
    entry: { action: string; subject: string; at: Date },
  ): Promise<void> {
    return appendAudit(manager, { ...entry, workspaceId, actor, requestId });
  }
}

const STATUS_ACTIONS: Readonly<Record<SubjectStatus, string>> = {
  active: 'subject.resume',
  suspended: 'subject.suspend',
  offboarded: 'subject.offboard',
};
