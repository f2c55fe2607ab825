import { PassThrough, Readable } from 'node:stream';
import { IdempotencyKey, Quotas } from '@signet/access';
import { BULK_TYPES, type BulkResult, type BulkRevoked, type BulkUpdated, type InputOf } from '@signet/contracts';
import {
  begun,
  CurrentCaller,
  Input,
  Operation,
  SignetError,
  streamBodies,
  toNdjson,
  type Caller,
} from '@signet/platform';
import { Controller, Header, Req, StreamableFile, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { DataSource } from 'typeorm';
import { BulkSelectionService } from './bulk-selection.service.js';
import { BulkUploadService } from './bulk-upload.service.js';
import { formats } from './formats.js';
import { planRows } from './planned-rows.js';
import { readRows } from './uploaded-rows.js';

/**
 * Bytes of a body that are taken ahead of the work on them. Many clients read no answer before they have sent all; and a
 * body that arrives as slowly as its rows are done could be cut off as one of a client that dawdles.
 */
const READ_AHEAD = 32 * 1024 * 1024;

@Controller()
export class BulkController implements OnModuleInit {
  constructor(
    private readonly http: HttpAdapterHost,
    private readonly dataSource: DataSource,
    private readonly quotas: Quotas,
    private readonly uploads: BulkUploadService,
    private readonly selections: BulkSelectionService,
  ) {}

  onModuleInit(): void {
    streamBodies(this.http.httpAdapter.getInstance(), 'POST /v1/codes/bulk', BULK_TYPES);
  }

  @Operation('bulkCodes')
  @Header('Cache-Control', 'no-store')
  async upload(
    @CurrentCaller() caller: Caller,
    @IdempotencyKey() key: string | undefined,
    @Input() { query }: InputOf<'bulkCodes'>,
    @Req() request: FastifyRequest,
  ): Promise<StreamableFile> {
    const { body } = request;
    const sent = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
    const type = BULK_TYPES.find((name) => name === sent);
    if (!type || !(body instanceof Readable))
      throw new SignetError('unsupported-media-type', { detail: `Send ${BULK_TYPES.join(' or ')}` });
    const limit = await this.quotas.bulkRowsOf(this.dataSource.manager, caller.workspaceId);
    const uploaded = readRows(spooled(body), type, formats[query.format].checkHeader);
    const rows = planRows(uploaded, { ...query, limit });
    const results = await begun(this.uploads.upload(caller, { query, key, rows })).catch((error: unknown) => {
      body.resume();
      throw error;
    });
    return new StreamableFile(Readable.from(toLines(results, body)), { type: 'application/x-ndjson' });
  }

  @Operation('bulkRevokeCodes')
  @Header('Cache-Control', 'no-store')
  revoke(
    @CurrentCaller() caller: Caller,
    @IdempotencyKey() key: string | undefined,
    @Input() input: InputOf<'bulkRevokeCodes'>,
  ): Promise<BulkRevoked> {
    return this.selections.revoke(caller, key, input);
  }

  @Operation('bulkUpdateCodes')
  @Header('Cache-Control', 'no-store')
  update(
    @CurrentCaller() caller: Caller,
    @IdempotencyKey() key: string | undefined,
    @Input() input: InputOf<'bulkUpdateCodes'>,
  ): Promise<BulkUpdated> {
    return this.selections.update(caller, key, input);
  }
}

/** The body, as far as it has arrived. It fails as the body does, and leaves it alone when it is closed. */
function spooled(body: Readable): Readable {
  const taken = new PassThrough({ readableHighWaterMark: READ_AHEAD });
  body.once('error', (error) => taken.destroy(error));
  body.once('close', () => {
    if (!body.readableEnded) taken.destroy(new Error('the body ended too early'));
  });
  return body.pipe(taken);
}

/** The results as lines of JSON. What nobody reads any more still has to pass, before the connection can carry another request. */
async function* toLines(results: AsyncIterable<BulkResult[]>, body: Readable): AsyncGenerator<string> {
  try {
    for await (const batch of results) yield toNdjson(batch);
  } finally {
    body.resume();
  }
}
