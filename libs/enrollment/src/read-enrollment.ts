import type { Enrollment } from '@signet/contracts';
import { FactorEnrollment, lockSubjectById } from '@signet/mfa';
import { Clock, OutboxRelay, SignetError, type Caller } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { abandonEnrollment } from './end-enrollment.js';
import { isOverdue, toEnrollment, type StoredEnrollment } from './enrollment.js';
import { findEnrollment } from './enrollments.sql.js';

@Injectable()
export class ReadEnrollment {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly relay: OutboxRelay,
    private readonly factors: FactorEnrollment,
  ) {}

  /** The enrollment as it is now; one whose time is over expires by being looked at. @throws SignetError `not-found` */
  async get({ workspaceId, requestId }: Caller, id: string): Promise<Enrollment> {
    const enrollment = await findEnrollment(this.dataSource.manager, id);
    if (enrollment?.workspaceId !== workspaceId) throw new SignetError('not-found');
    if (!isOverdue(enrollment, this.clock.now())) return toEnrollment(enrollment);
    return toEnrollment(await this.expire(enrollment, requestId));
  }

  private async expire({ id, subjectId }: StoredEnrollment, requestId: string): Promise<StoredEnrollment> {
    const expired = await this.dataSource.transaction(async (manager) => {
      await lockSubjectById(manager, subjectId);
      const enrollment = await findEnrollment(manager, id);
      if (!enrollment) throw new SignetError('not-found');
      const doing = { actor: 'system', requestId, at: this.clock.now() };
      if (!isOverdue(enrollment, doing.at)) return enrollment;
      await abandonEnrollment(manager, this.factors, { enrollment, ending: 'expired', doing });
      return { ...enrollment, status: 'expired' as const };
    });
    this.relay.wake();
    return expired;
  }
}
