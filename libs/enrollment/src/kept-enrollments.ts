import { SubjectStores, type SubjectOfData, type SubjectRecord } from '@signet/privacy';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { deleteEnrollmentsOf, readEnrollmentsOf } from './enrollments.sql.js';

/** What this context keeps about a subject: its enrollments. Their codes name nobody, and stay for the numbers. */
@Injectable()
export class KeptEnrollments implements OnModuleInit {
  constructor(private readonly stores: SubjectStores) {}

  onModuleInit(): void {
    this.stores.register({
      store: 'enrollments',
      erase: async (manager, { id }) => {
        const deleted = await deleteEnrollmentsOf(manager, id);
        return { records: deleted.length, codeIds: deleted.flatMap(({ codeId }) => codeId ?? []) };
      },
      read: (manager, subject) => this.read(manager, subject),
    });
  }

  private async *read(manager: EntityManager, { id }: SubjectOfData): AsyncGenerator<SubjectRecord> {
    for (const { claimTokenHash: _token, pin: _pin, claimantHash: _claimant, ...data } of await readEnrollmentsOf(
      manager,
      id,
    ))
      yield { kind: 'enrollment', data };
  }
}
