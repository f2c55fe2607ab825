import type { ApiKey, InputOf } from '@signet/contracts';
import { CurrentCaller, Input, Operation, type Caller } from '@signet/platform';
import { Controller, Header, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { AccessService } from './access.service.js';
import { ApiKeyGuard } from './api-key.guard.js';
import { IdempotencyKey } from './idempotency.js';

@Controller()
export class AccessController {
  constructor(
    private readonly access: AccessService,
    private readonly guard: ApiKeyGuard,
  ) {}

  @Operation('whoami')
  async whoami(@Req() request: FastifyRequest): Promise<object> {
    const { id: keyId, workspaceId, workspace, name, scopes } = await this.guard.authenticate(request);
    return { keyId, workspaceId, workspace, name, scopes };
  }

  @Operation('createWorkspace')
  @Header('Cache-Control', 'no-store')
  createWorkspace(
    @CurrentCaller() caller: Caller,
    @IdempotencyKey() key: string | undefined,
    @Input() input: InputOf<'createWorkspace'>,
  ): Promise<{ id: string; name: string; key: string }> {
    return this.access.createWorkspace(caller, key, input);
  }

  @Operation('createApiKey')
  @Header('Cache-Control', 'no-store')
  createApiKey(
    @CurrentCaller() caller: Caller,
    @IdempotencyKey() key: string | undefined,
    @Input() input: InputOf<'createApiKey'>,
  ): Promise<ApiKey & { key: string }> {
    return this.access.createApiKey(caller, key, input);
  }

  @Operation('listApiKeys')
  listApiKeys(
    @CurrentCaller() caller: Caller,
    @Input() input: InputOf<'listApiKeys'>,
  ): Promise<{ items: ApiKey[]; nextCursor: string | null }> {
    return this.access.listApiKeys(caller, input);
  }

  @Operation('deleteApiKey')
  deleteApiKey(@CurrentCaller() caller: Caller, @Input() { params }: InputOf<'deleteApiKey'>): Promise<void> {
    return this.access.deleteApiKey(caller, params.id);
  }
}
