import { IdempotencyModule } from '@signet/access';
import { SubjectsModule } from '@signet/mfa';
import { Module } from '@nestjs/common';
import { BeginEnrollment } from './begin-enrollment.js';
import { ConfirmEnrollment } from './confirm-enrollment.js';
import { EnrollmentController } from './enrollment.controller.js';
import { ReadEnrollment } from './read-enrollment.js';
import { EnrollmentSettingsService } from './settings.service.js';
import { SubjectEnrollments } from './subject-enrollments.js';

/** `/v1/enrollments` and `/v1/settings/enrollment`, for the enrollment service. */
@Module({
  imports: [IdempotencyModule, SubjectsModule],
  controllers: [EnrollmentController],
  providers: [BeginEnrollment, ConfirmEnrollment, ReadEnrollment, EnrollmentSettingsService, SubjectEnrollments],
})
export class EnrollmentModule {}
