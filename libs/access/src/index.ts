export * from './access.migrations.js';
export * from './access.module.js';
export * from './access.service.js';
export * from './api-key.guard.js';
export * from './idempotency.js';
export { Quotas } from './quotas.service.js';
export { findWorkspaceName } from './workspace-names.js';
