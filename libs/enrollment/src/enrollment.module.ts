import { IdempotencyModule } from '@signet/access';
import { CodesModule } from '@signet/codes';
import { DirectoryModule } from '@signet/domains';
import { SubjectsModule } from '@signet/mfa';
import { PrivacyModule } from '@signet/privacy';
import { Module } from '@nestjs/common';
import { BeginEnrollment } from './begin-enrollment.js';
import { ChangeEnrollment } from './change-enrollment.js';
import { ClaimEnrollment } from './claim-enrollment.js';
import { ClaimLimits } from './claim-limits.js';
import { ConfirmEnrollment } from './confirm-enrollment.js';
import { EnrollmentDeadlines } from './enrollment-deadlines.js';
import { EnrollmentEndings } from './enrollment-endings.js';
import { EndedLinks } from './ended-links.js';
import { EnrollmentController } from './enrollment.controller.js';
import { KeptEnrollments } from './kept-enrollments.js';
import { ReadEnrollment } from './read-enrollment.js';
import { EnrollmentSettingsService } from './settings.service.js';
import { SubjectEnrollments } from './subject-enrollments.js';
import { ClaimedEnrollments } from './wizard/claimed-enrollments.js';
import { WizardPages } from './wizard/wizard-pages.js';
import { WizardRoutes } from './wizard/wizard.routes.js';

/** `/v1/enrollments`, `/v1/settings/enrollment` and the wizard at `/enroll`, for the enrollment service. */
@Module({
  imports: [IdempotencyModule, CodesModule, DirectoryModule, PrivacyModule, SubjectsModule],
  controllers: [EnrollmentController],
  providers: [
    BeginEnrollment,
    ClaimEnrollment,
    ClaimLimits,
    ConfirmEnrollment,
    ChangeEnrollment,
    ReadEnrollment,
    EnrollmentEndings,
    EnrollmentDeadlines,
    EndedLinks,
    EnrollmentSettingsService,
    SubjectEnrollments,
    KeptEnrollments,
    ClaimedEnrollments,
    WizardPages,
    WizardRoutes,
  ],
})
export class EnrollmentModule {}
