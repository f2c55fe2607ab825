import { Module } from '@nestjs/common';
import { FactorEnrollment } from './factor-enrollment.js';
import { FactorRevocation } from './factor-revocation.js';
import { SubjectsController } from './subjects.controller.js';
import { SubjectsService } from './subjects.service.js';
import { TotpKind } from './totp-kind.js';

/** Subjects and their factors: the control plane's part. */
@Module({
  controllers: [SubjectsController],
  providers: [SubjectsService, FactorRevocation, FactorEnrollment, TotpKind],
  exports: [FactorEnrollment],
})
export class SubjectsModule {}
