import { IdempotencyModule } from '@signet/access';
import { Module } from '@nestjs/common';
import { RecoveryKind } from '../recovery-kind.js';
import { TotpKind } from '../totp-kind.js';
import { AddressLimits } from './address-limits.js';
import { AttemptGroups } from './attempt-groups.js';
import { GroupDecision } from './group-decision.js';
import { StrangerSweep } from './stranger-sweep.js';
import { VerificationController } from './verification.controller.js';
import { VerificationService } from './verification.service.js';

/** `POST /v1/verifications`, for the verification service. */
@Module({
  imports: [IdempotencyModule],
  controllers: [VerificationController],
  providers: [VerificationService, AttemptGroups, GroupDecision, AddressLimits, StrangerSweep, TotpKind, RecoveryKind],
  exports: [VerificationService],
})
export class VerificationModule {}
