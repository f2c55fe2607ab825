import { AuditRedactionModule } from '@signet/audit';
import { PrivacyModule } from '@signet/privacy';
import { Module } from '@nestjs/common';
import { AuditErasure } from './erasure/audit-erasure.js';
import { ErasureController } from './erasure/erasure.controller.js';
import { KeptSubjects } from './erasure/kept-subjects.js';
import { SubjectData } from './erasure/subject-data.js';
import { SubjectErasure } from './erasure/subject-erasure.js';
import { FactorEnrollment } from './factor-enrollment.js';
import { FactorRevocation } from './factor-revocation.js';
import { PolicyDecisionController } from './policy-decision/policy-decision.controller.js';
import { PolicyDecisions } from './policy-decision/policy-decisions.js';
import { PolicyDryRuns } from './policy-decision/policy-dry-run.js';
import { SubjectDemands } from './subject-demands.js';
import { SubjectEndings } from './subject-endings.js';
import { SubjectImport } from './subject-import.js';
import { SubjectOffboarding } from './subject-offboarding.js';
import { SubjectUnlock } from './subject-unlock.js';
import { SubjectsController } from './subjects.controller.js';
import { SubjectsService } from './subjects.service.js';
import { TotpKind } from './totp-kind.js';

/** Subjects and their factors: the control plane's part. */
@Module({
  imports: [AuditRedactionModule, PrivacyModule],
  controllers: [SubjectsController, ErasureController, PolicyDecisionController],
  providers: [
    SubjectsService,
    SubjectImport,
    SubjectOffboarding,
    SubjectUnlock,
    SubjectErasure,
    SubjectData,
    KeptSubjects,
    AuditErasure,
    SubjectDemands,
    SubjectEndings,
    FactorRevocation,
    FactorEnrollment,
    TotpKind,
    PolicyDecisions,
    PolicyDryRuns,
  ],
  exports: [FactorEnrollment, FactorRevocation, SubjectDemands, SubjectEndings],
})
export class SubjectsModule {}
