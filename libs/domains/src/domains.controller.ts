import { IdempotencyKey } from '@signet/access';
import type { Domain, InputOf } from '@signet/contracts';
import { CurrentCaller, Input, Operation, versionTag, type Caller } from '@signet/platform';
import { Controller, Headers, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { DomainsService, type Page } from './domains.service.js';

@Controller()
export class DomainsController {
  constructor(private readonly domains: DomainsService) {}

  @Operation('createDomain')
  async create(
    @CurrentCaller() caller: Caller,
    @IdempotencyKey() key: string | undefined,
    @Input() input: InputOf<'createDomain'>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Domain> {
    const domain = await this.domains.create(caller, key, input);
    void reply.header('Location', `/v1/domains/${domain.id}`);
    return tagged(domain, reply);
  }

  @Operation('listDomains')
  list(@CurrentCaller() caller: Caller, @Input() input: InputOf<'listDomains'>): Promise<Page<Domain>> {
    return this.domains.list(caller, input);
  }

  @Operation('getDomain')
  async get(
    @CurrentCaller() caller: Caller,
    @Input() { params }: InputOf<'getDomain'>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Domain> {
    return tagged(await this.domains.get(caller, params.id), reply);
  }

  @Operation('updateDomain')
  async update(
    @CurrentCaller() caller: Caller,
    @Input() input: InputOf<'updateDomain'>,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Domain> {
    return tagged(await this.domains.update(caller, input, ifMatch), reply);
  }

  @Operation('verifyDomain')
  async verify(
    @CurrentCaller() caller: Caller,
    @Input() { params }: InputOf<'verifyDomain'>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Domain> {
    return tagged(await this.domains.verify(caller, params.id), reply);
  }

  @Operation('deleteDomain')
  delete(
    @CurrentCaller() caller: Caller,
    @Input() { params }: InputOf<'deleteDomain'>,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    return this.domains.delete(caller, params.id, ifMatch);
  }
}

function tagged(domain: Domain, reply: FastifyReply): Domain {
  void reply.header('ETag', versionTag(domain.version)).header('Cache-Control', 'no-store');
  return domain;
}
