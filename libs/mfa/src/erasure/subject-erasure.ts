import { appendAudit } from '@signet/audit';
import { ERASURE_STORES, topics, type EnrollmentEvent, type Erasure, type InputOf } from '@signet/contracts';
import {
  appendToOutbox,
  Clock,
  decodeCursor,
  newId,
  OutboxRelay,
  SignetError,
  toPage,
  type Caller,
} from '@signet/platform';
import { findErasure, insertErasure, listErasures, markErased, SubjectStores } from '@signet/privacy';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { z } from 'zod';
import type { StoredSubject } from '../subject.js';
import { SubjectOffboarding } from '../subject-offboarding.js';
import { lockSubject } from '../subjects.sql.js';
import { AuditErasure } from './audit-erasure.js';
import { toErasure } from './erasure.js';

/** Somebody is to be forgotten: everything that names them goes, the numbers that they are part of stay. */
@Injectable()
export class SubjectErasure {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly relay: OutboxRelay,
    private readonly offboarding: SubjectOffboarding,
    private readonly stores: SubjectStores,
    private readonly audit: AuditErasure,
  ) {}

  /**
   * Offboards the subject, so that nothing of theirs can be used meanwhile; then erases, in one transaction, what the
   * control plane keeps, and tells the others by `subject.erased`. The audit log is redacted in the background.
   * A call that is repeated after the first one committed finds nobody of that name; the list of erasures has it.
   * @throws SignetError `not-found`
   */
  async erase(caller: Caller, { params: { subject } }: InputOf<'eraseSubject'>): Promise<Erasure> {
    await this.offboarding.offboard(caller, { params: { subject }, body: { reason: 'erasure' } });
    const id = newId();
    await this.dataSource.transaction(async (manager) => {
      const stored = await lockSubject(manager, caller.workspaceId, subject);
      if (!stored) throw new SignetError('not-found');
      await this.eraseHere(manager, stored, { id, caller });
    });
    this.relay.wake();
    this.audit.wake();
    return this.get(caller, id);
  }

  /** @throws SignetError `not-found` */
  async get({ workspaceId }: Caller, id: string): Promise<Erasure> {
    const found = await findErasure(this.dataSource.manager, workspaceId, id);
    if (!found) throw new SignetError('not-found');
    return toErasure(found, this.clock.now());
  }

  /** Newest first. @throws SignetError `invalid-cursor` */
  async list(
    { workspaceId }: Caller,
    { query: { limit, cursor } }: InputOf<'listErasures'>,
  ): Promise<{ items: Erasure[]; nextCursor: string | null }> {
    const beforeId = decodeCursor(cursor, z.uuid());
    const found = await listErasures(this.dataSource.manager, workspaceId, { beforeId, limit: limit + 1 });
    const at = this.clock.now();
    return toPage(
      found.map((erasure) => toErasure(erasure, at)),
      limit,
      ({ id }) => id,
    );
  }

  private async eraseHere(
    manager: EntityManager,
    subject: StoredSubject,
    { id, caller }: { id: string; caller: Caller },
  ): Promise<void> {
    const at = this.clock.now();
    const { workspaceId, actor: requestedBy, requestId } = caller;
    const erasure = { id, workspaceId, subject: subject.subject, requestedAt: at, requestedBy };
    await insertErasure(manager, erasure, ERASURE_STORES);
    const codeIds: string[] = [];
    for (const { store, erase } of this.stores.all) {
      if (!erase) continue;
      const erased = await erase(manager, subject);
      codeIds.push(...(erased.codeIds ?? []));
      await markErased(manager, { erasureId: id, store, records: erased.records }, at);
    }
    const entry = { at, workspaceId, actor: requestedBy, action: 'subject.erase', result: 'requested', requestId };
    await appendAudit(manager, { ...entry, erasureId: id });
    const data: EnrollmentEvent['data'] = {
      workspaceId,
      subjectId: subject.id,
      subject: subject.subject,
      erasureId: id,
      codeIds,
      at: at.toISOString(),
    };
    await appendToOutbox(manager, [
      { topic: topics.enrollments.name, key: subject.id, type: 'subject.erased', data, at },
    ]);
  }
}
