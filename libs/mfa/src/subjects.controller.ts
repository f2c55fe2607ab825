import { Readable } from 'node:stream';
import type { Factor, InputOf, Offboarded, Subject, Unlocked } from '@signet/contracts';
import {
  CurrentCaller,
  Input,
  ndjsonLines,
  Operation,
  SignetError,
  streamBodies,
  versionTag,
  type Caller,
} from '@signet/platform';
import { Controller, Header, Headers, Req, Res, StreamableFile, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { FactorRevocation } from './factor-revocation.js';
import { IMPORT_TYPES } from './import-rows.js';
import { SubjectImport } from './subject-import.js';
import { SubjectOffboarding } from './subject-offboarding.js';
import { SubjectUnlock } from './subject-unlock.js';
import { SubjectsService } from './subjects.service.js';

@Controller()
export class SubjectsController implements OnModuleInit {
  constructor(
    private readonly http: HttpAdapterHost,
    private readonly subjects: SubjectsService,
    private readonly imports: SubjectImport,
    private readonly offboarding: SubjectOffboarding,
    private readonly unlocking: SubjectUnlock,
    private readonly revocation: FactorRevocation,
  ) {}

  onModuleInit(): void {
    streamBodies(this.http.httpAdapter.getInstance(), 'POST /v1/subjects/import', IMPORT_TYPES);
  }

  @Operation('listSubjects')
  list(
    @CurrentCaller() caller: Caller,
    @Input() { query }: InputOf<'listSubjects'>,
  ): Promise<{ items: Subject[]; nextCursor: string | null }> {
    return this.subjects.list(caller, query);
  }

  @Operation('importSubjects')
  @Header('Cache-Control', 'no-store')
  import(@CurrentCaller() caller: Caller, @Req() request: FastifyRequest): StreamableFile {
    const { body } = request;
    const type = IMPORT_TYPES.find((name) => request.headers['content-type']?.startsWith(name));
    if (!type || !(body instanceof Readable))
      throw new SignetError('unsupported-media-type', { detail: `Send ${IMPORT_TYPES.join(' or ')}` });
    const lines = ndjsonLines(this.imports.import(caller, body, type));
    return new StreamableFile(Readable.from(lines), { type: 'application/x-ndjson' });
  }

  @Operation('putSubject')
  async put(
    @CurrentCaller() caller: Caller,
    @Input() input: InputOf<'putSubject'>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Subject> {
    return tagged(await this.subjects.put(caller, input), reply);
  }

  @Operation('updateSubject')
  async update(
    @CurrentCaller() caller: Caller,
    @Input() input: InputOf<'updateSubject'>,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Subject> {
    return tagged(await this.subjects.update(caller, input, ifMatch), reply);
  }

  @Operation('getSubject')
  async get(
    @CurrentCaller() caller: Caller,
    @Input() { params }: InputOf<'getSubject'>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Subject> {
    return tagged(await this.subjects.get(caller, params.subject), reply);
  }

  @Operation('offboardSubject')
  offboard(@CurrentCaller() caller: Caller, @Input() input: InputOf<'offboardSubject'>): Promise<Offboarded> {
    return this.offboarding.offboard(caller, input);
  }

  @Operation('reenableSubject')
  reenable(@CurrentCaller() caller: Caller, @Input() input: InputOf<'reenableSubject'>): Promise<Subject> {
    return this.offboarding.reenable(caller, input);
  }

  @Operation('unlockSubject')
  unlock(@CurrentCaller() caller: Caller, @Input() input: InputOf<'unlockSubject'>): Promise<Unlocked> {
    return this.unlocking.unlock(caller, input);
  }

  @Operation('listFactors')
  listFactors(
    @CurrentCaller() caller: Caller,
    @Input() { params }: InputOf<'listFactors'>,
  ): Promise<{ items: Factor[] }> {
    return this.subjects.listFactors(caller, params.subject);
  }

  @Operation('renameFactor')
  renameFactor(@CurrentCaller() caller: Caller, @Input() input: InputOf<'renameFactor'>): Promise<Factor> {
    return this.revocation.rename(caller, input);
  }

  @Operation('revokeFactor')
  revokeFactor(@CurrentCaller() caller: Caller, @Input() input: InputOf<'revokeFactor'>): Promise<Factor> {
    return this.revocation.revoke(caller, input);
  }
}

function tagged(subject: Subject, reply: FastifyReply): Subject {
  void reply.header('ETag', versionTag(subject.version));
  return subject;
}
