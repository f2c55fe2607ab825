import { SubjectStores, type SubjectOfData, type SubjectRecord } from '@signet/privacy';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { toFactor } from '../factor.js';
import { readFactors } from '../factors.sql.js';
import { toSubject } from '../subject.js';
import { findSubject } from '../subjects.sql.js';
import { deleteSubject, readVerificationsOf } from './erasure.sql.js';

const PAGE = 1000;

/** What this context keeps about a subject: itself, its factors without their secrets, its attempts. */
@Injectable()
export class KeptSubjects implements OnModuleInit {
  constructor(private readonly stores: SubjectStores) {}

  onModuleInit(): void {
    this.stores.register({
      store: 'subjects',
      erase: async (manager, subject) => ({ records: await deleteSubject(manager, subject) }),
      read: (manager, subject) => this.read(manager, subject),
    });
  }

  private async *read(manager: EntityManager, subject: SubjectOfData): AsyncGenerator<SubjectRecord> {
    const stored = await findSubject(manager, subject.workspaceId, subject.subject);
    if (stored) yield { kind: 'subject', data: toSubject(stored) };
    for (const factor of await readFactors(manager, subject.id)) {
      const data = toFactor(factor);
      if (data) yield { kind: 'factor', data };
    }
    for (let afterId: string | undefined; ;) {
      const page = await readVerificationsOf(manager, subject, { afterId, limit: PAGE });
      for (const data of page) yield { kind: 'attempt', data };
      if (page.length < PAGE) return;
      afterId = page.at(-1)?.id;
    }
  }
}
