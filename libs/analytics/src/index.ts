export * from './analytics.migrations.js';
export * from './analytics.module.js';
export { ANALYTICS_GROUP } from './rollup-writer.js';
