export * from './audit.js';
export * from './audit.migrations.js';
export * from './audit.module.js';
export * from './audit.service.js';
export * from './audit-sequencer.js';
export * from './chain.js';
