import { createHash } from 'node:crypto';
import { IdempotencyKey } from '@signet/access';
import type { Code, CodePage, CodeVersion, InputOf } from '@signet/contracts';
import { CurrentCaller, Input, isFresh, Operation, versionTag, type Caller } from '@signet/platform';
import { Controller, Headers, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { CodeLifecycleService } from './code-lifecycle.service.js';
import { CodesService } from './codes.service.js';
import { CodeSearch } from './search/code-search.service.js';

@Controller()
export class CodesController {
  constructor(
    private readonly codes: CodesService,
    private readonly lifecycle: CodeLifecycleService,
    private readonly search: CodeSearch,
  ) {}

  @Operation('createCode')
  async create(
    @CurrentCaller() caller: Caller,
    @IdempotencyKey() key: string | undefined,
    @Input() input: InputOf<'createCode'>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Code> {
    return located(await this.codes.create(caller, key, input), reply);
  }

  @Operation('listCodes')
  list(@CurrentCaller() caller: Caller, @Input() { query }: InputOf<'listCodes'>): Promise<CodePage> {
    return this.search.list(caller, query);
  }

  @Operation('getCode')
  async get(
    @CurrentCaller() caller: Caller,
    @Input() { params }: InputOf<'getCode'>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Code> {
    return tagged(await this.codes.get(caller, params.id), reply);
  }

  @Operation('updateCode')
  async update(
    @CurrentCaller() caller: Caller,
    @Input() input: InputOf<'updateCode'>,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Code> {
    return tagged(await this.codes.update(caller, input, ifMatch), reply);
  }

  @Operation('restoreCode')
  async restore(
    @CurrentCaller() caller: Caller,
    @Input() input: InputOf<'restoreCode'>,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Code> {
    return tagged(await this.codes.restore(caller, input, ifMatch), reply);
  }

  @Operation('pauseCode')
  async pause(
    @CurrentCaller() caller: Caller,
    @Input() { params }: InputOf<'pauseCode'>,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Code> {
    return tagged(await this.lifecycle.pause(caller, { ...params, ifMatch }), reply);
  }

  @Operation('resumeCode')
  async resume(
    @CurrentCaller() caller: Caller,
    @Input() { params }: InputOf<'resumeCode'>,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Code> {
    return tagged(await this.lifecycle.resume(caller, { ...params, ifMatch }), reply);
  }

  @Operation('revokeCode')
  async revoke(
    @CurrentCaller() caller: Caller,
    @Input() { params, body }: InputOf<'revokeCode'>,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Code> {
    return tagged(await this.lifecycle.revoke(caller, { ...params, ifMatch }, body.reason), reply);
  }

  @Operation('archiveCode')
  async archive(
    @CurrentCaller() caller: Caller,
    @Input() { params }: InputOf<'archiveCode'>,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Code> {
    return tagged(await this.lifecycle.archive(caller, { ...params, ifMatch }), reply);
  }

  @Operation('reissueCode')
  async reissue(
    @CurrentCaller() caller: Caller,
    @IdempotencyKey() key: string | undefined,
    @Input() input: InputOf<'reissueCode'>,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Code> {
    return located(await this.lifecycle.reissue(caller, key, { ...input, ifMatch }), reply);
  }

  @Operation('codeHistory')
  history(
    @CurrentCaller() caller: Caller,
    @Input() input: InputOf<'codeHistory'>,
  ): Promise<{ items: CodeVersion[]; nextCursor: string | null }> {
    return this.codes.history(caller, input);
  }

  /** Private, because only a key may ask; asked for again each time, because a code may be revoked meanwhile. */
  @Operation('codeQr')
  async qr(
    @CurrentCaller() caller: Caller,
    @Input() { params, query }: InputOf<'codeQr'>,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const code = await this.codes.get(caller, params.id);
    const options = createHash('sha256').update(JSON.stringify(query)).digest('base64url').slice(0, 16);
    const tag = `"${code.version}.${options}"`;
    void reply.header('ETag', tag).header('Cache-Control', 'private, no-cache');
    if (isFresh(ifNoneMatch, tag)) {
      await reply.status(304).send();
      return;
    }
    const { contentType, body } = this.codes.qr(code, query);
    await reply.header('Content-Type', contentType).header('X-Content-Type-Options', 'nosniff').send(body);
  }
}

function located(code: Code, reply: FastifyReply): Code {
  void reply.header('Location', `/v1/codes/${code.id}`);
  return tagged(code, reply);
}

function tagged(code: Code, reply: FastifyReply): Code {
  void reply.header('ETag', versionTag(code.version)).header('Cache-Control', 'no-store');
  return code;
}
