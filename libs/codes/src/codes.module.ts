import { Module } from '@nestjs/common';
import { ClaimArbiter } from './claim-arbiter.js';
import { CodePropagation } from './code-propagation.js';
import { CodesController } from './codes.controller.js';
import { CodesService } from './codes.service.js';

/** `/v1/codes` and the repair loop: the control plane's part. */
@Module({ controllers: [CodesController], providers: [CodesService, CodePropagation], exports: [CodesService] })
export class CodesModule {}

/** The decision on claims: the redirect's part. */
@Module({ providers: [ClaimArbiter], exports: [ClaimArbiter] })
export class CodeArbiterModule {}
