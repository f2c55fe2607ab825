import { Module } from '@nestjs/common';
import { ClaimArbiter } from './claim-arbiter.js';
import { CodeChanges } from './code-changes.js';
import { CodeEndings } from './code-endings.js';
import { CodeLifecycleService } from './code-lifecycle.service.js';
import { CodePropagation } from './code-propagation.js';
import { CodesController } from './codes.controller.js';
import { CodesService } from './codes.service.js';

/** `/v1/codes` and the repair loop: the control plane's part. */
@Module({
  controllers: [CodesController],
  providers: [CodesService, CodeLifecycleService, CodeChanges, CodePropagation, CodeEndings],
  exports: [CodesService, CodeLifecycleService],
})
export class CodesModule {}

/** The decision on claims: the redirect's part. */
@Module({ providers: [ClaimArbiter], exports: [ClaimArbiter] })
export class CodeArbiterModule {}
