import type { InputOf } from '@signet/contracts';
import { CurrentCaller, Input, Operation, type Caller } from '@signet/platform';
import { Controller, Header, StreamableFile } from '@nestjs/common';
import { CodeExports } from './code-export.service.js';

@Controller()
export class ExportController {
  constructor(private readonly exports: CodeExports) {}

  @Operation('exportCodes')
  @Header('Cache-Control', 'no-store')
  @Header('X-Content-Type-Options', 'nosniff')
  async export(@CurrentCaller() caller: Caller, @Input() { query }: InputOf<'exportCodes'>): Promise<StreamableFile> {
    const { stream, contentType, fileName } = await this.exports.export(caller, query);
    return new StreamableFile(stream, { type: contentType, disposition: `attachment; filename="${fileName}"` });
  }
}
