import { IdempotencyModule } from '@signet/access';
import { Module } from '@nestjs/common';
import { PoliciesController } from './policies.controller.js';
import { PoliciesService } from './policies.service.js';

/** `/v1/policies`, for the control plane. */
@Module({ imports: [IdempotencyModule], controllers: [PoliciesController], providers: [PoliciesService] })
export class PoliciesModule {}
