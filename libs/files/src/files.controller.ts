import { IdempotencyKey } from '@signet/access';
import type { InputOf, UploadedFile } from '@signet/contracts';
import { CurrentCaller, Input, Operation, streamBodies, versionTag, type Caller } from '@signet/platform';
import { Controller, Headers, Req, Res, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { FilesService } from './files.service.js';
import { readUpload, type Upload } from './upload.js';

@Controller()
export class FilesController implements OnModuleInit {
  constructor(
    private readonly http: HttpAdapterHost,
    private readonly files: FilesService,
  ) {}

  onModuleInit(): void {
    for (const route of ['POST /v1/files', 'PUT /v1/files/:id/content'])
      streamBodies(this.http.httpAdapter.getInstance(), route, ['*']);
  }

  @Operation('uploadFile')
  async upload(
    @CurrentCaller() caller: Caller,
    @IdempotencyKey() key: string | undefined,
    @Input() { query }: InputOf<'uploadFile'>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UploadedFile> {
    const file = await this.files.upload(caller, key, await uploadOf(request, query.name));
    void reply.header('Location', `/v1/files/${file.id}`);
    return tagged(file, reply);
  }

  @Operation('listFiles')
  list(
    @CurrentCaller() caller: Caller,
    @Input() input: InputOf<'listFiles'>,
  ): Promise<{ items: UploadedFile[]; nextCursor: string | null }> {
    return this.files.list(caller, input);
  }

  @Operation('getFile')
  async get(
    @CurrentCaller() caller: Caller,
    @Input() { params }: InputOf<'getFile'>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UploadedFile> {
    return tagged(await this.files.get(caller, params.id), reply);
  }

  @Operation('replaceFile')
  async replace(
    @CurrentCaller() caller: Caller,
    @Input() { params, query }: InputOf<'replaceFile'>,
    @Headers('if-match') ifMatch: string | undefined,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UploadedFile> {
    const upload = await uploadOf(request, query.name);
    return tagged(await this.files.replace(caller, { ...params, ifMatch }, upload), reply);
  }

  @Operation('deleteFile')
  delete(
    @CurrentCaller() caller: Caller,
    @Input() { params }: InputOf<'deleteFile'>,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    return this.files.delete(caller, { ...params, ifMatch });
  }
}

async function uploadOf({ body, headers }: FastifyRequest, name: string | undefined): Promise<Upload> {
  const upload = await readUpload(body, headers);
  return name === undefined ? upload : { ...upload, name };
}

function tagged(file: UploadedFile, reply: FastifyReply): UploadedFile {
  void reply.header('ETag', versionTag(file.revision)).header('Cache-Control', 'no-store');
  return file;
}
