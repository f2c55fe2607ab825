import { Module } from '@nestjs/common';
import { AuditController } from './audit.controller.js';
import { AuditSequencer } from './audit-sequencer.js';
import { AuditService } from './audit.service.js';

/** Chaining only: for a service that writes entries and shows none. */
@Module({ providers: [AuditSequencer], exports: [AuditSequencer] })
export class AuditWriterModule {}

/** Chaining, and `/v1/audit`. */
@Module({ imports: [AuditWriterModule], controllers: [AuditController], providers: [AuditService] })
export class AuditModule {}
