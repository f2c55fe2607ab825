import { Readable } from 'node:stream';
import type { Erasure, InputOf } from '@signet/contracts';
import { begun, CurrentCaller, Input, ndjsonLines, Operation, type Caller } from '@signet/platform';
import { Controller, Header, Res, StreamableFile } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { SubjectData } from './subject-data.js';
import { SubjectErasure } from './subject-erasure.js';

@Controller()
export class ErasureController {
  constructor(
    private readonly erasure: SubjectErasure,
    private readonly data: SubjectData,
  ) {}

  @Operation('eraseSubject')
  async erase(
    @CurrentCaller() caller: Caller,
    @Input() input: InputOf<'eraseSubject'>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Erasure> {
    const erasure = await this.erasure.erase(caller, input);
    void reply.header('Location', `/v1/erasures/${erasure.id}`);
    return erasure;
  }

  @Operation('exportSubject')
  @Header('Cache-Control', 'no-store')
  async export(
    @CurrentCaller() caller: Caller,
    @Input() { params }: InputOf<'exportSubject'>,
  ): Promise<StreamableFile> {
    const records = await begun(this.data.read(caller, params.subject));
    return new StreamableFile(Readable.from(ndjsonLines(records), { objectMode: false }), {
      type: 'application/x-ndjson',
      disposition: 'attachment; filename="subject.ndjson"',
    });
  }

  @Operation('listErasures')
  list(
    @CurrentCaller() caller: Caller,
    @Input() input: InputOf<'listErasures'>,
  ): Promise<{ items: Erasure[]; nextCursor: string | null }> {
    return this.erasure.list(caller, input);
  }

  @Operation('getErasure')
  get(@CurrentCaller() caller: Caller, @Input() { params }: InputOf<'getErasure'>): Promise<Erasure> {
    return this.erasure.get(caller, params.id);
  }
}
