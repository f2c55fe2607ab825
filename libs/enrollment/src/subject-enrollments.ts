import { FactorEnrollment, SubjectEndings, type Ended, type EndOfSubject } from '@signet/mfa';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { abandonEnrollment } from './end-enrollment.js';
import { isOverdue } from './enrollment.js';
import { readOpenEnrollments } from './enrollments.sql.js';

/** What enrollments do when their subject is offboarded: those that nobody confirmed end with their secrets. */
@Injectable()
export class SubjectEnrollments implements OnModuleInit {
  constructor(
    private readonly endings: SubjectEndings,
    private readonly factors: FactorEnrollment,
  ) {}

  onModuleInit(): void {
    this.endings.register((...given) => this.end(...given));
  }

  private async end(...[manager, { subject, doing }]: Parameters<EndOfSubject>): Promise<Ended> {
    const open = await readOpenEnrollments(manager, subject.id);
    for (const enrollment of open) {
      const ending = isOverdue(enrollment, doing.at) ? 'expired' : 'revoked';
      await abandonEnrollment(manager, this.factors, { enrollment, ending, doing });
    }
    return { enrollmentsRevoked: open.filter((enrollment) => !isOverdue(enrollment, doing.at)).length };
  }
}
