export * from './analytics.migrations.js';
export * from './analytics.module.js';
export * from './rollup-rebuild.js';
export { SubjectLogModule } from './subject-log.module.js';
export { ANALYTICS_GROUP, RollupWriter } from './rollup-writer.js';
export { advanceOffset, lockOffset, type PartitionOfLog } from './offsets.sql.js';
