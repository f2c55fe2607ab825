import { IdempotencyKey } from '@signet/access';
import type { InputOf, Policy, PolicyVersion } from '@signet/contracts';
import { CurrentCaller, Input, Operation, versionTag, type Caller } from '@signet/platform';
import { Controller, Headers, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { PoliciesService } from './policies.service.js';

@Controller()
export class PoliciesController {
  constructor(private readonly policies: PoliciesService) {}

  @Operation('createPolicy')
  async create(
    @CurrentCaller() caller: Caller,
    @IdempotencyKey() key: string | undefined,
    @Input() input: InputOf<'createPolicy'>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Policy> {
    const policy = await this.policies.create(caller, key, input);
    void reply.header('Location', `/v1/policies/${policy.id}`);
    return tagged(policy, reply);
  }

  @Operation('listPolicies')
  list(
    @CurrentCaller() caller: Caller,
    @Input() input: InputOf<'listPolicies'>,
  ): Promise<{ items: Policy[]; nextCursor: string | null }> {
    return this.policies.list(caller, input);
  }

  @Operation('getPolicy')
  async get(
    @CurrentCaller() caller: Caller,
    @Input() { params }: InputOf<'getPolicy'>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Policy> {
    return tagged(await this.policies.get(caller, params.id), reply);
  }

  @Operation('updatePolicy')
  async update(
    @CurrentCaller() caller: Caller,
    @Input() input: InputOf<'updatePolicy'>,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Policy> {
    return tagged(await this.policies.update(caller, input, ifMatch), reply);
  }

  @Operation('deletePolicy')
  delete(
    @CurrentCaller() caller: Caller,
    @Input() { params }: InputOf<'deletePolicy'>,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    return this.policies.delete(caller, params.id, ifMatch);
  }

  @Operation('policyHistory')
  history(
    @CurrentCaller() caller: Caller,
    @Input() input: InputOf<'policyHistory'>,
  ): Promise<{ items: PolicyVersion[]; nextCursor: string | null }> {
    return this.policies.history(caller, input);
  }
}

function tagged(policy: Policy, reply: FastifyReply): Policy {
  void reply.header('ETag', versionTag(policy.version));
  return policy;
}
