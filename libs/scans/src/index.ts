export { holdJournals } from './journal-places.js';
export type * from './scan-facts.js';
export * from './scan-journal.js';
export * from './scan-pump.js';
export * from './scans.migrations.js';
export * from './scans.module.js';
export * from './user-agent.js';
export * from './visitor-salts.js';
export * from './visitor.js';
