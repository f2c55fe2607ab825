import { PrivacyModule, SubjectStores, type SubjectOfData, type SubjectRecord } from '@signet/privacy';
import { Injectable, Module, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { exportRows } from './export-rows.js';
import { listVerifications } from './verifications.sql.js';

/** Lets the control plane read, for a subject, what the log of verifications has of it. */
@Injectable()
export class SubjectLog implements OnModuleInit {
  constructor(private readonly stores: SubjectStores) {}

  onModuleInit(): void {
    this.stores.register({ store: 'verifications', read: (manager, subject) => this.read(manager, subject) });
  }

  private async *read(manager: EntityManager, of: SubjectOfData): AsyncGenerator<SubjectRecord> {
    const { workspaceId, subject } = of;
    const pages = exportRows((past, limit) =>
      listVerifications(manager, { workspaceId, subject, past, order: 'oldest', limit }),
    );
    for await (const page of pages) for (const data of page) yield { kind: 'verification', data };
  }
}

/** For the service that exports subjects; its role may read this one table. */
@Module({ imports: [PrivacyModule], providers: [SubjectLog] })
export class SubjectLogModule {}
