import { AuditRedaction } from '@signet/audit';
import { SignetError, type Caller } from '@signet/platform';
import { SubjectStores, type SubjectRecord } from '@signet/privacy';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { findSubject } from '../subjects.sql.js';

/** What is kept about somebody, for them to read. */
@Injectable()
export class SubjectData {
  constructor(
    private readonly dataSource: DataSource,
    private readonly stores: SubjectStores,
    private readonly audit: AuditRedaction,
  ) {}

  /** Read while it is taken. @throws SignetError `not-found` */
  async *read({ workspaceId }: Caller, name: string): AsyncGenerator<SubjectRecord> {
    const { manager } = this.dataSource;
    const subject = await findSubject(manager, workspaceId, name);
    if (!subject) throw new SignetError('not-found');
    for (const { read } of this.stores.all) if (read) yield* read(manager, subject);
    for await (const data of this.audit.entriesOf({ workspaceId, subject: name })) yield { kind: 'audit', data };
  }
}
