import { Readable } from 'node:stream';
import type { AuditCheckpoint, AuditEntry, AuditVerification, InputOf } from '@signet/contracts';
import { CurrentCaller, Input, ndjsonLines, Operation, type Caller } from '@signet/platform';
import { Controller, Header, StreamableFile } from '@nestjs/common';
import { AuditService } from './audit.service.js';

@Controller()
export class AuditController {
  constructor(private readonly audit: AuditService) {}

  @Operation('listAudit')
  list(
    @CurrentCaller() caller: Caller,
    @Input() { query }: InputOf<'listAudit'>,
  ): Promise<{ items: AuditEntry[]; nextCursor: string | null }> {
    return this.audit.list(caller.workspaceId, query);
  }

  @Operation('exportAudit')
  @Header('Cache-Control', 'no-store')
  export(@CurrentCaller() caller: Caller): StreamableFile {
    return new StreamableFile(Readable.from(ndjsonLines(this.audit.entries(caller.workspaceId))), {
      type: 'application/x-ndjson',
      disposition: 'attachment; filename="audit.ndjson"',
    });
  }

  @Operation('listCheckpoints')
  checkpoints(
    @CurrentCaller() caller: Caller,
    @Input() { query }: InputOf<'listCheckpoints'>,
  ): Promise<{ items: AuditCheckpoint[]; nextCursor: string | null }> {
    return this.audit.checkpoints(caller.workspaceId, query);
  }

  @Operation('verifyAudit')
  verify(@CurrentCaller() caller: Caller): Promise<AuditVerification> {
    return this.audit.verify(caller.workspaceId);
  }
}
