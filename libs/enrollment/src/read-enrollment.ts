import type { Enrollment, InputOf } from '@signet/contracts';
import { Clock, decodeCursor, SignetError, toPage, type Caller } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { z } from 'zod';
import { EnrollmentDeadlines } from './enrollment-deadlines.js';
import { isOverdue, toEnrollment, type StoredEnrollment } from './enrollment.js';
import { findEnrollment, listEnrollments } from './enrollments.sql.js';

@Injectable()
export class ReadEnrollment {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly deadlines: EnrollmentDeadlines,
  ) {}

  /** The enrollment as it is now; one whose time is over expires by being looked at. @throws SignetError `not-found` */
  async get({ workspaceId, requestId }: Caller, id: string): Promise<Enrollment> {
    const enrollment = await findEnrollment(this.dataSource.manager, id);
    if (enrollment?.workspaceId !== workspaceId) throw new SignetError('not-found');
    if (!isOverdue(enrollment, this.clock.now())) return toEnrollment(enrollment);
    return toEnrollment(await this.deadlines.expire(enrollment, requestId));
  }

  /** Newest first. @throws SignetError `invalid-cursor` */
  async list(
    { workspaceId }: Caller,
    { subject, status, cursor, limit }: InputOf<'listEnrollments'>['query'],
  ): Promise<{ items: Enrollment[]; nextCursor: string | null }> {
    const at = this.clock.now();
    const beforeId = decodeCursor(cursor, z.uuid());
    const found = await listEnrollments(this.dataSource.manager, {
      workspaceId,
      subject,
      status,
      at,
      beforeId,
      limit: limit + 1,
    });
    const { items, nextCursor } = toPage(found, limit, ({ id }) => id);
    return { items: items.map((enrollment) => asListed(enrollment, at)), nextCursor };
  }
}

const asListed = (enrollment: StoredEnrollment, at: Date): Enrollment =>
  toEnrollment(isOverdue(enrollment, at) ? { ...enrollment, status: 'expired' } : enrollment);
