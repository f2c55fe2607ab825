import { SecretCodes } from '@signet/codes';
import { SubjectEndings, type Ended, type EndOfSubject } from '@signet/mfa';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { codesOf, EnrollmentEndings } from './enrollment-endings.js';

/** What enrollments do when their subject is offboarded: those that nobody confirmed end with their links and secrets. */
@Injectable()
export class SubjectEnrollments implements OnModuleInit {
  constructor(
    private readonly subjects: SubjectEndings,
    private readonly endings: EnrollmentEndings,
    private readonly codes: SecretCodes,
  ) {}

  onModuleInit(): void {
    this.subjects.register((...given) => this.end(...given));
  }

  private async end(...[manager, { subject, doing }]: Parameters<EndOfSubject>): Promise<Ended> {
    const ended = await this.endings.endAll(manager, subject, { ending: 'revoked', doing });
    const links = ended.filter(({ claimedAt }) => claimedAt === null);
    return {
      enrollmentsRevoked: ended.length,
      codesRevoked: codesOf(links).length,
      afterCommit: () => this.codes.propagate(codesOf(links)),
    };
  }
}
