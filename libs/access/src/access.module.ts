import { Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AccessController } from './access.controller.js';
import { AccessService } from './access.service.js';
import { ApiKeyGuard } from './api-key.guard.js';
import { Idempotency } from './idempotency.js';
import { QuotasController } from './quotas.controller.js';
import { Quotas } from './quotas.service.js';

/** The guard over every call of the contract; all that a service without keys to give needs. */
@Module({ providers: [ApiKeyGuard, { provide: APP_GUARD, useExisting: ApiKeyGuard }], exports: [ApiKeyGuard] })
export class ApiKeyGuardModule {}

/** `Idempotency-Key`, for services with a key ring: stored answers are sealed. */
@Global()
@Module({ providers: [Idempotency], exports: [Idempotency] })
export class IdempotencyModule {}

/** What workspaces may use up: for whatever issues something that is counted. */
@Global()
@Module({ providers: [Quotas], exports: [Quotas] })
export class QuotasModule {}

/** Workspaces and API keys: the control plane's part. */
@Module({
  imports: [ApiKeyGuardModule, IdempotencyModule, QuotasModule],
  controllers: [AccessController, QuotasController],
  providers: [AccessService],
  exports: [AccessService],
})
export class AccessModule {}
