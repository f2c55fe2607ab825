import { Module } from '@nestjs/common';
import { AuditCheckpoints } from './audit-checkpoints.js';
import { AuditRedaction } from './audit-redaction.js';
import { AuditRetention } from './audit-retention.js';
import { AuditController } from './audit.controller.js';
import { AuditSequencer } from './audit-sequencer.js';
import { AuditService } from './audit.service.js';
import { CheckpointFile } from './checkpoint-file.js';
import { CheckpointSigningKeys } from './checkpoint-keys.js';
import { JwksController } from './jwks.controller.js';

/** Chaining and signing only: for a service that writes entries and shows none. */
@Module({
  controllers: [JwksController],
  providers: [AuditSequencer, AuditCheckpoints, CheckpointFile, CheckpointSigningKeys],
  exports: [AuditSequencer, AuditCheckpoints, CheckpointFile, CheckpointSigningKeys],
})
export class AuditWriterModule {}

/** Chaining, signing, cutting, and `/v1/audit`. */
@Module({ imports: [AuditWriterModule], controllers: [AuditController], providers: [AuditService, AuditRetention] })
export class AuditModule {}

/** Taking subjects out of the log, for the service that erases them. */
@Module({ providers: [AuditRedaction], exports: [AuditRedaction] })
export class AuditRedactionModule {}
