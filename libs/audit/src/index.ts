export * from './audit.js';
export * from './audit.migrations.js';
export * from './audit.module.js';
export * from './audit.service.js';
export * from './audit-sequencer.js';
export { AuditCheckpoints } from './audit-checkpoints.js';
export { parseCheckpoints } from './checkpoint-file.js';
export { verifyExport, type ExportVerification } from './verify-export.js';
export * from './chain.js';
