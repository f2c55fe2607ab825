import { Module } from '@nestjs/common';
import { FactorEnrollment } from './factor-enrollment.js';
import { FactorRevocation } from './factor-revocation.js';
import { PolicyDecisionController } from './policy-decision/policy-decision.controller.js';
import { PolicyDecisions } from './policy-decision/policy-decisions.js';
import { PolicyDryRuns } from './policy-decision/policy-dry-run.js';
import { SubjectEndings } from './subject-endings.js';
import { SubjectImport } from './subject-import.js';
import { SubjectOffboarding } from './subject-offboarding.js';
import { SubjectUnlock } from './subject-unlock.js';
import { SubjectsController } from './subjects.controller.js';
import { SubjectsService } from './subjects.service.js';
import { TotpKind } from './totp-kind.js';

/** Subjects and their factors: the control plane's part. */
@Module({
  controllers: [SubjectsController, PolicyDecisionController],
  providers: [
    SubjectsService,
    SubjectImport,
    SubjectOffboarding,
    SubjectUnlock,
    SubjectEndings,
    FactorRevocation,
    FactorEnrollment,
    TotpKind,
    PolicyDecisions,
    PolicyDryRuns,
  ],
  exports: [FactorEnrollment, FactorRevocation, SubjectEndings],
})
export class SubjectsModule {}
